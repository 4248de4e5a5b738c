"""For this test suite, and for authors of spawn backends.

pytest.py     the plugin: --spawn-backend, the start_method fixture, the no_leaks guard
contract.py   the tests that every backend must pass
fake.py       a backend without a process
"""
