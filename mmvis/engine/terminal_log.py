"""What of the log is shown on the terminal: all but long messages.

mmengine logs the environment, the merged config and the list of hooks, some 400 lines,
before the first iteration. They stay in the log file.
"""

import logging

MOST_LINES = 10


class ShortMessages(logging.Filter):
    """Lets through what is short, or a warning or worse.

    What mmengine warns itself of, names of its own that "will be deprecated", no user
    can change.
    """

    def filter(self, record: logging.LogRecord) -> bool:
        message = record.getMessage()
        if record.levelno > logging.INFO:
            return 'will be deprecated in future' not in message
        return message.count('\n') < MOST_LINES


def shorten_terminal(logger: logging.Logger) -> None:
    """Keep long messages from the terminal, if the logger has a file for them."""
    if not any(isinstance(h, logging.FileHandler) for h in logger.handlers):
        return
    for handler in logger.handlers:
        if type(handler) is not logging.StreamHandler:
            continue
        if not any(isinstance(f, ShortMessages) for f in handler.filters):
            handler.addFilter(ShortMessages())
