"""Work on foreign files and programs in a child that can reach nothing: no file, no socket, no other process."""
