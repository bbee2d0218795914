create table if not exists meta (name text primary key, value blob) without rowid;
create table if not exists sources (
  path text primary key, size integer, mtime_ns integer, inode integer, digest blob,
  failed integer, record blob, diagnostics blob
) without rowid;
create table if not exists steps (number integer primary key, outputs blob, questions blob);
