"""Every bypass attempt that we could think of, tried on a real client: none sends a write to a managed group.

Other folders hold further attempts: layers of parameters and headers, forms, models, numbered names, JSON, queries in
paths and endpoints, streams and unreadable values (``test_hiding``), objects reused while the guard waits
(``test_while_waiting``), answers of another ECS (``test_learning``), transports, signatures, copies, pickles and
skipped constructors (``test_client``, ``test_guard``), bypasses, threads, tasks and contexts (``test_bypass``), two
names for one template (``test_templates``), and values on a Redis server (``test_redis``). The README lists the open
attempts under "What it does not do", and ``test_open`` tests them.
"""
