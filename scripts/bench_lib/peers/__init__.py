"""blogd beside other generators: the same posts, plain templates, page sets as equal as each of them allows."""
