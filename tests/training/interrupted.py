"""A training that kills itself. Usage: interrupted.py DATA OUTPUT DEVICES [batch EPOCH | log EPOCH | saving EPOCH]."""

import os
import signal
import sys
from pathlib import Path

import keras
import small_training as small

from keras_reid.training import run


class Kill(keras.callbacks.Callback):
    def __init__(self, moment, epoch):
        super().__init__()
        self.moment, self.epoch, self.now = moment, int(epoch), None

    def on_epoch_begin(self, epoch, logs=None):
        self.now = epoch + 1

    def on_train_batch_end(self, batch, logs=None):
        if self.moment == "batch" and self.now == self.epoch and batch == 1:
            os.kill(os.getpid(), signal.SIGKILL)

    def on_epoch_end(self, epoch, logs=None):
        if self.now != self.epoch:
            return
        if self.moment == "log":  # before the log's row and the state
            os.kill(os.getpid(), signal.SIGKILL)
        if self.moment == "saving":

            def save_half(path):
                keras.Model.save_weights(self.model, path)
                os.truncate(path, path.stat().st_size // 2)
                os.kill(os.getpid(), signal.SIGKILL)

            self.model.save_weights = save_half


if __name__ == "__main__":
    pictures, output, devices, *kill = sys.argv[1:]
    callbacks = [Kill(*kill)] if kill else []
    recipe = small.recipe()
    if int(devices) > 1:  # for which a stage takes so long to compile that the second has to do
        recipe = small.recipe(stages=recipe.stages[1:])
    run(recipe, small.data(Path(pictures)), output, devices=int(devices), callbacks=callbacks, verbose=0)
