"""Entry point of the recogniser's process."""

from affectstream.workers.asr.process import main

if __name__ == "__main__":
    main()
