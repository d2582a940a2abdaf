"""`python -m creditbot`"""

from creditbot.cli import main

if __name__ == "__main__":
    main()
