"""What fails around a site, and what is promised then: a test on real processes for each, with its control.

A control is the same fault without what guards against it, or with nothing broken; it shows that the fault was one.

| fault | where it is tested |
|---|---|
| kill -9 of the web server in mid-POST | `rating/reading/test_kill.py`; of PostgreSQL `servers/test_up.py`, `servers/test_job_faults.py` |
| `synchronous_commit`, `fsync` off | `servers/test_health.py` |
| kill -9 of a worker, under a job | `servers/test_job_faults.py`, `servers/test_training_on_workers.py`, `servers/test_judging_on_workers.py` |
| a worker out of memory | here, `test_out_of_memory.py`; of a GPU `servers/test_job_faults.py` |
| Redis killed, flushed | `servers/test_job_faults.py`; frozen `servers/test_frozen.py`; fifty lines cut, messages handed out again: here, `test_cut_broker.py` |
| work that hangs in foreign code | `jobs/test_hanging.py` |
| disk full | `servers/test_full_disk.py`, `servers/test_job_faults.py`, `pool/test_room_on_the_disk.py` |
| corrupt or hostile image in a batch | `pool/test_odd_files.py`, `pool/test_decoding.py`, `pool/test_confinement.py` |
| API slow, reset, 5xx, 429, refusals, lost answers, odd shapes | `generation/images/`, `outbound/test_transport.py` |
| clock skew | here, `test_clock_skew.py` |
| double click, two tabs, session over, network away, browser killed | `rating/reading/test_never_lost.py`, `rating/reading/test_kill.py` |
| restart or deploy during reading | here, `test_restart_during_a_save.py` |
| study closed during a save | here, `test_close_during_a_save.py` |
| PostgreSQL frozen | here, `test_frozen_database.py` |
| file store frozen | here, `test_frozen_store.py`; in one process `lungrater/test_bounded_waits.py` |
| clients that send or take a byte now and then | here, `test_slow_requests.py` |
| lost files | `lungrater/test_lost_files.py` |
| backup and restore, another server, S3 | `servers/test_backup.py`, `servers/test_moving.py`, `servers/test_operations.py` |
| data changing during export | `rating/results/test_one_snapshot.py` |
| worker or beat dead for days | `servers/test_health.py`, `people/test_health_page.py` |
| pooled connections | `servers/test_pgbouncer.py` |
"""
