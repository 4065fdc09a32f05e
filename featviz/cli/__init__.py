"""The command line: `featviz layers|render|attribute|circuit|microscope|store`.

Results go to files and to standard output, everything else to standard error. Exit codes: 0 done,
1 it could not be done (one sentence says why), 2 it was asked for wrongly, 130 stopped by Ctrl-C.
Heavy imports wait until a command runs, so that help is there at once.
"""

from __future__ import annotations

import re
import sys

import click

from featviz.cli import circuit, commands, common, microscope, store

SHORT_OF_MEMORY = re.compile("out of memory|not enough memory|allocate memory")
"""What torch says where memory is short; of other faults of memory it says something else."""


def main() -> None:
    """Runs the command line and ends the process."""
    try:
        code = cli(standalone_mode=False)
    except click.ClickException as error:
        error.show()
        code = error.exit_code
    except (KeyboardInterrupt, click.Abort):
        common.say("Stopped.")
        code = 130
    except (OSError, ImportError, UserWarning) as error:
        common.say(f"featviz: {error}")
        code = 1
    except ValueError as error:
        common.say(f"featviz: {error}")
        code = 2
    except (MemoryError, RuntimeError) as error:
        if isinstance(error, RuntimeError) and not SHORT_OF_MEMORY.search(str(error)):
            raise
        common.say("featviz: the memory doesn't suffice; ask for less, by a smaller --size say.")
        code = 1
    sys.exit(code)


@click.group(
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog="Every command explains itself: featviz render --help",
)
@click.version_option(package_name="featviz")
def cli() -> None:
    """See what a convolutional network has learned. Works offline."""


for command in (
    commands.layers,
    commands.render,
    commands.attribute,
    circuit.circuit,
    microscope.microscope,
    store.store,
):
    cli.add_command(command)
