"""Reading a source: ``peek`` follows it, ``snapshot`` copies it, ``tables`` describes it."""
