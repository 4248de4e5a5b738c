"""For this test suite, and for authors of spawn backends.

pytest.py     the plugin: --spawn-backend, the start_method fixture, the no_leaks guard
leaks.py      what a process holds at a moment
contract/     the tests that every backend must pass
fake.py       a backend without a process
"""
