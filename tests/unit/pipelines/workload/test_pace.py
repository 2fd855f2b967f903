from tidewright.pipelines.workload import pace


def test_rate_times_time_is_due():
    clock = pace.Pace(last=10.0)
    assert clock.due(10.1, 1000) == 100
    clock.made(100)
    assert clock.due(10.2, 1000) == 100


def test_fractions_are_kept_until_they_are_whole():
    clock = pace.Pace(last=0.0)
    assert [clock.due(t / 10, 3) for t in range(1, 5)] == [0, 0, 0, 1]


def test_what_a_step_did_not_make_stays_owed():
    clock = pace.Pace(last=0.0)
    clock.due(0.1, 1000)
    clock.made(40)
    assert clock.due(0.2, 1000) == 160


def test_a_long_pause_is_not_made_up_for():
    clock = pace.Pace(last=0.0)
    assert clock.due(60.0, 1000) == 1000 * pace.LONGEST


def test_rate_zero_owes_nothing():
    clock = pace.Pace(last=0.0)
    assert clock.due(60.0, 0) == 0


def test_forgiven_time_owes_nothing():
    clock = pace.Pace(last=0.0)
    clock.due(0.4, 1000)
    clock.forgive(5.0)
    assert clock.due(5.0, 1000) == 0


def test_meter_forgets_what_is_older_than_its_window():
    meter = pace.Meter()
    meter.add(0.0, 900)
    meter.add(2.0, 300)
    assert meter.rate(2.0) == 1200 / pace.WINDOW
    assert meter.rate(4.0) == 300 / pace.WINDOW
