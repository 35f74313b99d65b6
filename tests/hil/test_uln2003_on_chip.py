"""The four-coil driver through the real RPi.GPIO: where the rotor of a 28BYJ-48 ends up."""

from __future__ import annotations

import signal
from itertools import pairwise

from drivers_world import GearMotor

FAST = 'MotorSettings(driver="uln2003", steps_per_s=900, start_steps_per_s=300, ramp_steps=20)'

# Ends where one coil holds the rotor. Where two do they go off one after the other, and what holds it in between
# may turn it by half a step.
MOVES = f"""
    gpio = Gpio()
    motor = Uln2003Motor(gpio, {FAST})
    for steps in (61, -20):
        motor.move_by(steps)
    motor.release()
    motor.move_by(3)
    motor.release()
    say(motor.position_steps)
    gpio.close()
"""

# Released in between where one coil holds the rotor, so that nothing but steps moves it.
STEPS_ALONE = MOVES.replace("(61, -20)", "(60, -20)")


def test_the_rotor_ends_where_the_driver_believes_it_is_even_across_a_release(start_rig):
    rig = start_rig(MOVES)
    said = rig.hear()
    rig.end()
    assert said == str(GearMotor().replay(rig.trace()).position) == "44"


def test_the_field_never_jumps_by_more_than_a_half_step(start_rig):
    rig = start_rig(STEPS_ALONE)
    rig.end()
    assert GearMotor().replay(rig.trace()).jumps == 0


def test_half_steps_are_never_closer_than_the_top_speed_allows(start_rig):
    rig = start_rig(STEPS_ALONE)
    rig.end()
    steps_ns = GearMotor().replay(rig.trace()).steps_ns
    assert min(later - sooner for sooner, later in pairwise(steps_ns)) >= 1e9 / 900


def test_inverted_the_same_steps_turn_the_other_way(start_rig):
    rig = start_rig(MOVES.replace('driver="uln2003"', 'driver="uln2003", invert=True'))
    rig.end()
    assert GearMotor().replay(rig.trace()).position == -44


def test_an_exception_in_the_middle_of_a_move_leaves_every_coil_off(start_rig):
    rig = start_rig(f"""
        def broken():
            raise ValueError("anything")
        signal.signal(signal.SIGTERM, lambda *_: broken())
        Uln2003Motor(Gpio(), {FAST}).move_by(1_000_000)
    """)
    rig.wait_for_rises(13, 3)
    assert rig.end(signal.SIGTERM) == 1
    assert not GearMotor().replay(rig.trace()).on
