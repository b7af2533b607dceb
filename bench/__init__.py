"""
Benchmarks: ratios against peers and physical limits, all taken in one run on one machine.

`python -m bench` runs all, `python -m bench lane` one. A bench is a module here with `run(options) -> Iterator[Row]`;
it starts what it measures, and everything it starts it ends. Results are printed and kept as JSON in bench/results/.
"""
