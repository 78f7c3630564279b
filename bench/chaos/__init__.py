"""Kills each program in the middle of a bulk job, and counts what was lost and what repeated: `make chaos`.

Each case is a shop of its own with an endpoint for webhooks. Once a part of its products is indexed, all processes of
one program are killed with SIGKILL, and whatever keeps programs alive starts it again. When the job has finished and
the deliveries have stopped, every product must be there once, and every event at least once, under one id.
"""
