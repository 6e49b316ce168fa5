"""Attempts to get a write to a managed group past the guard, made on real parts: none succeeds.

Further attempts stand elsewhere: layers of parameters and headers, forms, models, numbered names, JSON, queries in paths
and endpoints, streams and unreadable values (``test_hiding``), objects reused while the guard waits (``test_call``),
answers of another ECS (``test_learning``), transports, signatures, copies, pickles, skipped constructors (``test_client``,
``test_guard``), bypasses, threads, tasks and contexts (``test_bypass``), two names for one template (``test_templates``),
and values on a Redis server (``test_redis``). README lists the open ways under "What it does not do"; ``test_open`` tests
them.
"""
