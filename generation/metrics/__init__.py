"""How good the fakes are by machine measures; plain numpy and torch, no Django but where a module says so."""
