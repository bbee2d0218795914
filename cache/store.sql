create table if not exists meta (name text primary key, value blob) without rowid;
create table if not exists sources (
  path text primary key, size integer, mtime_ns integer, inode integer, digest blob,
  failed integer, record blob, diagnostics blob
) without rowid;
create table if not exists pages (
  id integer primary key, path text unique, key blob, digest blob, size integer, mtime_ns integer,
  state integer, shared integer, reads blob, diagnostics blob, reason integer, made_s integer
);
create table if not exists entities (id integer primary key, entity blob);
create table if not exists shared_reads (id integer primary key, reads blob);
