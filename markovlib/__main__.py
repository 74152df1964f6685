"""`python -m markovlib` is the command `markovlib`."""

from markovlib.cli import main

if __name__ == "__main__":
    main(prog_name="python -m markovlib")
