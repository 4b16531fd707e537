"""``python -m affectstream.workers.fusion``."""

from affectstream.workers.fusion.main import main

if __name__ == "__main__":
    main()
