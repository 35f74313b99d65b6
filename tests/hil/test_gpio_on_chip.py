"""The GPIO lines through the real RPi.GPIO: claims, errors, and what importing it must not do."""

from __future__ import annotations

import signal

from drivers_world import StepDirDriver


def test_a_line_that_another_program_holds_is_named_with_its_purpose(start_rig):
    rig = start_rig("""
        gpio = Gpio()
        wait_for_the_world()
        try:
            StepDirMotor(gpio, MotorSettings(driver="stepdir"))
        except RigError as error:
            say(error)
    """)
    rig.hear()
    rig.hold(20)
    rig.go()
    assert rig.hear().startswith("GPIO 20 (STEP of the focus motor) is in use by a lamp: free it")


def test_importing_the_library_leaves_the_working_directory_alone(start_rig):
    rig = start_rig("""
        before = os.getcwd()
        gpio = Gpio()
        say(os.getcwd() == before, [name for name in os.listdir() if "lgd" in name])
    """)
    assert rig.hear() == "True []"


def test_the_libraries_own_files_are_gone_after_the_end(start_rig, tmp_path):
    rig = start_rig("Gpio()", TMPDIR=str(tmp_path))
    rig.end_well()
    assert not list(tmp_path.glob("fieldstack-gpio-*"))


def test_off_a_pi_the_error_says_so(start_rig):
    rig = start_rig("""
        del os.environ["RPI_LGPIO_REVISION"]
        try:
            Gpio()
        except RigError as error:
            say(error)
    """)
    assert rig.hear().startswith("this computer has no GPIO header that RPi.GPIO knows")


def test_signals_are_left_to_the_program(start_rig):
    rig = start_rig("""
        before = [signal.getsignal(number) for number in signal.valid_signals()]
        Gpio()
        say(before == [signal.getsignal(number) for number in signal.valid_signals()])
    """)
    assert rig.hear() == "True"


def test_a_light_is_dark_from_the_start_and_after_the_end(start_rig):
    rig = start_rig("""
        from rig.devices.light_gpio import GpioLight
        light = GpioLight(Gpio(), 12, lead_s=0.01)
        light.on()
    """)
    rig.end()
    assert [edge.what for edge in rig.trace() if edge.line == 12] == ["0", "1", "0"]


def test_safe_off_switches_off_what_a_killed_program_left_on(start_rig, tmp_path):
    config = tmp_path / "config.toml"
    config.write_text('[motor]\ndriver = "stepdir"\n[panel]\nlight_pin = 23\n')
    rig = start_rig(f"from rig.devices.safe_off import main; sys.exit(main([{str(config)!r}]))")
    rig.end_well()
    last = {edge.line: edge.what for edge in rig.trace()}
    assert last == {16: "1", 20: "0", 21: "0", 23: "0", 25: "0"}


def test_safe_off_switches_the_motor_off_that_was_killed_in_the_middle_of_a_move(start_rig, tmp_path):
    killed = start_rig("""
        motor = StepDirMotor(Gpio(), MotorSettings(driver="stepdir"))
        motor.move_by(1_000_000)
    """)
    killed.wait_for_rises(20, 20)
    killed.end(signal.SIGKILL)
    driver = StepDirDriver().replay(killed.trace())  # a Pi's kernel leaves the lines so
    assert driver.on

    config = tmp_path / "config.toml"
    config.write_text('[motor]\ndriver = "stepdir"\n')
    after = start_rig(f"from rig.devices.safe_off import main; sys.exit(main([{str(config)!r}]))")
    after.end_well()

    steps = len(driver.steps_ns)
    driver.replay(after.trace())
    assert not driver.on and len(driver.steps_ns) == steps
