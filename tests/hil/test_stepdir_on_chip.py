"""The step/direction driver through the real RPi.GPIO: what the motor on the lines makes of it."""

from __future__ import annotations

import signal

import pytest
from drivers_world import StepDirDriver
from emulated_chip import RigProcess, StartRig

from rig.devices.motor_stepdir import DIRECTION_SETUP_NS, STEP_HIGH_NS

ENDSTOP, STEP, DIR, EN = 5, 20, 21, 16
FAST = (
    'MotorSettings(driver="stepdir", endstop_pin=5, steps_per_s=2000, start_steps_per_s=500, ramp_steps=20)'
)

MOVE_AND_LEAVE = f"""
    gpio = Gpio()
    motor = StepDirMotor(gpio, {FAST})
    wait_for_the_world()
    sent = [motor.move_by(steps) for steps in (120, -50, 30)]
    motor.release()
    gpio.close()
    say(motor.position_steps, sent)
"""

MOVE_FOR_EVER = f"""
    gpio = Gpio()
    motor = StepDirMotor(gpio, {FAST})
    wait_for_the_world()
    say("moving")
    motor.move_by(1_000_000)
"""


def finished_moves(start_rig: StartRig, **options: object) -> tuple[StepDirDriver, str]:
    rig = start_rig(MOVE_AND_LEAVE, **options)
    rig.hear()
    rig.set(ENDSTOP, 0)
    rig.go()
    said = rig.hear()
    rig.end_well()
    return StepDirDriver().replay(rig.trace()), said


def under_way(rig: RigProcess) -> None:
    """Let the program's wait_for_the_world() end in the middle of a move."""
    rig.hear()
    rig.wait_for_rises(STEP, 20)
    rig.go()


@pytest.fixture(scope="module")
def moved(chip_library, tmp_path_factory) -> tuple[StepDirDriver, str]:
    from emulated_chip import rig_process

    with rig_process(chip_library, tmp_path_factory.mktemp("moved"), MOVE_AND_LEAVE) as rig:
        return finished_moves(lambda program, **_: rig)


def test_the_motor_ends_where_the_driver_believes_it_is(moved):
    driver, said = moved
    assert (driver.position, said) == (100, "100 [120, -50, 30]")


def test_no_step_is_sent_to_a_driver_that_is_off_or_waking(moved):
    assert moved[0].lost == 0


def test_every_pulse_is_long_enough_for_the_slowest_driver(moved):
    assert min(moved[0].high_ns) >= STEP_HIGH_NS and min(moved[0].low_ns) >= STEP_HIGH_NS


def test_the_direction_is_set_before_the_step(moved):
    assert min(moved[0].setup_ns) >= DIRECTION_SETUP_NS


def test_no_two_steps_are_closer_than_the_top_speed_allows(moved):
    assert min(moved[0].periods_ns) >= 1e9 / 2000


def test_the_first_step_is_never_sooner_than_the_start_speed_allows(moved):
    assert moved[0].periods_ns[0] >= 1e9 / 700  # v² = 500² + (2000² - 500²)/20: 661 steps/s after one step


def test_the_motor_is_off_before_the_first_move_and_after_release(start_rig):
    rig = start_rig(f"""
        gpio = Gpio()
        motor = StepDirMotor(gpio, {FAST})
        say("open")
        wait_for_the_world()
        motor.move_by(3)
        say("moved")
        wait_for_the_world()
        motor.release()
        say("released")
        wait_for_the_world()
    """)
    levels = []
    for _ in ("open", "moved", "released"):
        rig.hear()
        rig.hear()
        levels.append(rig.ask(EN))
        rig.go()
    assert levels == ["1 out", "0 out", "1 out"]


def test_enable_never_floats_between_two_openings_in_one_process(start_rig):
    rig = start_rig(f"""
        for _ in range(3):
            gpio = Gpio()
            StepDirMotor(gpio, {FAST}).move_by(2)
            gpio.close()
    """)
    rig.end_well()
    levels = [edge.what for edge in rig.trace() if edge.line == EN]
    assert levels == ["1", "0", "1", "0", "1", "0", "1"]


def test_a_stall_of_the_program_delays_the_train_and_never_makes_a_burst(start_rig):
    rig = start_rig(MOVE_FOR_EVER)
    rig.hear()
    rig.go()
    rig.hear()
    rig.wait_for_rises(STEP, 40)
    rig.process.send_signal(signal.SIGSTOP)
    rig.wait_for_rises(STEP, 1)
    signal.sigtimedwait([], 0.1)
    rig.process.send_signal(signal.SIGCONT)
    rig.wait_for_rises(STEP, 140)
    rig.end(signal.SIGTERM)
    periods = StepDirDriver().replay(rig.trace()).periods_ns
    assert max(periods) >= 50_000_000 and min(periods) >= 500_000


def test_an_exception_in_the_program_leaves_the_motor_off(start_rig):
    rig = start_rig(f"""
        motor = StepDirMotor(Gpio(), {FAST})
        motor.move_by(3)
        raise ValueError("anything")
    """)
    assert rig.end() == 1
    driver = StepDirDriver().replay(rig.trace())
    assert driver.ever_on and not driver.on


def test_after_sigkill_the_pull_up_turns_the_motor_off_where_the_kernel_frees_the_lines(start_rig):
    rig = start_rig(MOVE_FOR_EVER)
    rig.hear()
    rig.go()
    rig.hear()
    rig.wait_for_rises(STEP, 20)
    rig.end(signal.SIGKILL)
    driver = StepDirDriver().replay(rig.trace())
    assert driver.on and not driver.power_lost().on


def test_a_start_after_sigkill_makes_enable_safe_before_anything_moves(start_rig):
    rig = start_rig(f"StepDirMotor(Gpio(), {FAST}); wait_for_the_world()")
    rig.hear()
    driver = StepDirDriver().replay(rig.trace())
    assert not driver.ever_on and not driver.steps_ns


def test_the_endstop_stops_the_motor_within_a_step(start_rig):
    rig = start_rig(f"""
        motor = StepDirMotor(Gpio(), {FAST})
        wait_for_the_world()
        try:
            motor.move_by(-100_000)
        except RigError as error:
            say(type(error).__name__, motor.position_steps)
    """)
    rig.hear()
    rig.set(ENDSTOP, 0)
    rig.go()
    rig.wait_for_rises(STEP, 50)
    rig.set(ENDSTOP, 1)
    said = rig.hear()
    rig.end()
    trace = rig.trace()
    hit_ns = next(edge.ns for edge in trace if edge.line == ENDSTOP and edge.what == "H")
    driver = StepDirDriver().replay(trace)
    assert said == f"EndstopError {driver.position}"
    assert sum(ns > hit_ns for ns in driver.steps_ns) <= 1


def test_a_broken_endstop_wire_keeps_the_motor_from_moving_near(start_rig):
    rig = start_rig(f"""
        motor = StepDirMotor(Gpio(), {FAST})
        try:
            motor.move_by(-10)
        except RigError as error:
            say(error)
        say(motor.move_by(10))
    """)
    assert "endstop's wire is broken" in rig.hear()
    assert rig.hear() == "10"
    rig.end()
    assert StepDirDriver().replay(rig.trace()).position == 10


def test_cancel_from_another_thread_stops_within_a_step_and_keeps_count(start_rig):
    rig = start_rig(f"""
        motor = StepDirMotor(Gpio(), {FAST})
        stop = threading.Event()
        threading.Thread(target=lambda: (wait_for_the_world(), stop.set())).start()
        motor.move_by(100_000, stop.is_set)
        say(motor.position_steps)
    """)
    under_way(rig)
    said = rig.hear()
    rig.end()
    assert said == str(StepDirDriver().replay(rig.trace()).position)


def test_release_from_another_thread_ends_the_move_before_the_current_goes(start_rig):
    rig = start_rig(f"""
        motor = StepDirMotor(Gpio(), {FAST})
        threading.Thread(target=lambda: (wait_for_the_world(), motor.release())).start()
        motor.move_by(100_000)
        say(motor.position_steps)
        wait_for_the_world()
    """)
    under_way(rig)
    said = rig.hear()
    rig.hear()
    driver = StepDirDriver().replay(rig.trace())
    assert (said, driver.lost) == (str(driver.position), 0)


def test_two_moves_at_once_are_refused(start_rig):
    rig = start_rig(f"""
        motor = StepDirMotor(Gpio(), {FAST})
        threading.Thread(target=motor.move_by, args=(100_000,), daemon=True).start()
        wait_for_the_world()
        try:
            motor.move_by(5)
        except RigError as error:
            say(error)
    """)
    under_way(rig)
    assert rig.hear() == "the focus motor is moving; a move by 5 steps must wait for its end"
