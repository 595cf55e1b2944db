"""TorchScript is a program: it is run in a child that can open no file and no socket, or not at all."""
