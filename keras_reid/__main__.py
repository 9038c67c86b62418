"""`python -m keras_reid`: the command `keras-reid` of this very Python."""

from keras_reid.cli import main

if __name__ == "__main__":
    main()
