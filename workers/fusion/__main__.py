"""``python -m workers.fusion``."""

from workers.fusion.main import main

if __name__ == "__main__":
    main()
