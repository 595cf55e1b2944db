#!/usr/bin/env python
from lungrater.cli import main

if __name__ == "__main__":
    main()
