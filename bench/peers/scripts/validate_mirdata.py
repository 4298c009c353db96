"""mirdata: `python validate_mirdata.py HOME INDEX`; prints a line of JSON with the files that are missing and wrong."""

import json
import sys

import mirdata


def main(home: str, index: str) -> None:
    dataset = mirdata.initialize("groove_midi", data_home=home)
    dataset.index_path = index
    missing, wrong = dataset.validate(verbose=False)
    told = ({file for files in group.values() for some in files.values() for file in some} for group in (missing, wrong))
    print(json.dumps([sorted(files) for files in told]))


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2])
