"""`python -m featviz` is the command line."""

from featviz.cli import main

if __name__ == "__main__":
    main()
