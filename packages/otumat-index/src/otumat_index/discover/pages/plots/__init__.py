"""
Pictures of numbers, as places of marks for a template to write down as SVG; pure, no script on any page.

`history.py`: when a project was released. `treemap.py`: how a whole divides. All x are percent of the picture's width,
so that marks and letters keep their size on every screen; beside each picture stands a table of the same numbers.
"""
