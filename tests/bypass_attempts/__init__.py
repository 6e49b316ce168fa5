"""Every way round the guard that we could think of, tried on the real thing: none leads a write to a managed group out.

Beside those in this folder, the ways tried elsewhere are: layers of parameters and headers, forms, models, numbered
names, JSON, queries in paths and endpoints, streams and what cannot be read (``test_hiding``), objects that are reused
while the guard waits (``test_call``), answers of another ECS (``test_learning``), transports, signatures,
copies, pickles, constructors that are skipped (``test_client``, ``test_guard``), bypasses, threads, tasks and contexts
(``test_bypass``), two names for one template (``test_templates``), and values on a Redis server (``test_redis``). What is
left open is listed in the README under "What it does not do", and has its test in ``test_open``.
"""
