"""Fixtures that several test modules use."""

import os
import signal

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st

signal.signal(signal.SIGINT, signal.default_int_handler)  # ignored if the tests run in the background

# The speed of the machine proves nothing here: `build.py bench` measures, a deadline doesn't.
settings.register_profile("no clock", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("no clock")


# Tests that take long and have a quicker neighbor, such as the same on another version: for `build.py test --all`.
LONG = (
    "test_older_versions_leave_out_what_they_do_not_tell[v236]",
    "test_a_dumb_terminal_gets_plain_lines[]",
    "test_in_a_whole_life_rows_jump_only_where_something_came_or_went[v250-stdin]",
    "test_a_model_server_that_may_sleep_is_never_asked[v150-command line]",
    "test_a_job_that_could_not_be_stopped_again_keeps_the_agent_that_can_stop",
    "test_a_second_look_is_at_most_two_logged_requests_whatever_is_loaded[v150]",
    "test_a_second_look_is_at_most_two_logged_requests_whatever_is_loaded[v228]",
    "test_a_second_look_is_at_most_two_logged_requests_whatever_is_loaded[v236]",
    "test_a_tree_without_git_says_so_and_one_with_git_names_its_commit",
    "test_what_lies_about_in_a_tree_is_not_built_in",
    "test_a_restart_that_runs_out_of_time_never_leaves_the_service_stopped",
    "test_restart_keeps_its_limit[fault1]",
    "test_a_model_server_that_dies_in_an_answer_leaves_a_trace[v150]",
    "test_a_model_server_that_dies_in_an_answer_leaves_a_trace[v228]",
    "test_a_whole_life_is_shown_and_leaves_no_trace[v228]",
    "test_a_whole_life_is_shown_and_leaves_no_trace[v236]",
    "test_the_exporter_watches_by_the_same_laws_and_a_scrape_asks_nobody_anything[v150]",
    "test_the_exporter_watches_by_the_same_laws_and_a_scrape_asks_nobody_anything[v228]",
    "test_the_exporter_watches_by_the_same_laws_and_a_scrape_asks_nobody_anything[v236]",
    "test_nothing_of_a_local_llama_swap_shows_as_the_remote_ones[network namespace-v228",
    "test_nothing_of_a_local_llama_swap_shows_as_the_remote_ones[port forward-v228",
    "test_in_a_whole_life_rows_jump_only_where_something_came_or_went[v228-",
    "test_in_a_whole_life_rows_jump_only_where_something_came_or_went[v236-process]",
    "test_in_a_whole_life_rows_jump_only_where_something_came_or_went[v236-badge",
    "test_whatever_is_wrong_in_a_dialects_words_a_frame_comes_out[v228]",
    "test_a_refused_bootstrap_is_undone_and_its_cause_is_said[37]",
    "test_a_half_deleted_cache_is_unpacked_anew[urllib3]",
    "test_a_truncated_member_of_the_cache_is_unpacked_anew[boot/launch.py-2]",
    "test_a_truncated_member_of_the_cache_is_unpacked_anew[damage.py-9",
    "test_a_truncated_member_of_the_cache_is_unpacked_anew[core/status.py-2",
    "test_answers_of_one_token_say_nothing_of_a_speed[v150]",
    "test_what_is_done_in_one_piece_is_called_by_its_name[/v1/rerank",
    "test_what_is_done_in_one_piece_is_called_by_its_name[/v1/audio/speech",
    "test_a_launchctl_verb_that_hangs_is_given_up_and_said[enable]",
    "test_a_launchctl_verb_that_hangs_is_given_up_and_said[print-disabled]",
    "test_a_restart_with_a_config_that_llama_swap_refuses",
    "test_a_program_that_was_replaced_is_loaded_anew",
    "test_restart_keeps_its_limit[fault0]",
    "test_what_is_done_in_one_piece_is_called_by_its_name[/v1/audio/transcriptio",
    "test_a_key_from_anywhere_opens_the_server_and_shows_nowhere[api_key_env",
    "test_a_key_from_anywhere_opens_the_server_and_shows_nowhere[api_key_file",
    "test_stop_keeps_its_limit_whichever_verb_hangs[print]",
    "test_start_keeps_its_limit_whichever_verb_hangs[enable]",
    "test_the_older_plugin_is_moved_over_on_request_and_put_back_at_the_end",
    "test_killed_in_the_middle_the_next_run_completes_it[launchctl]",
    "test_a_launchctl_verb_that_hangs_is_given_up_and_said[print]",
    "test_a_model_that_was_loaded_again_is_asked_about_again",
    "test_a_login_opens_the_proxy_the_key_opens_what_is_behind_it_and_neither_is_shown[",
    "test_compiled_files_that_a_full_disk_broke_off_are_made_anew[launch]",
    "test_compiled_files_that_a_full_disk_broke_off_are_made_anew[main]",
    "test_compiled_files_that_a_full_disk_broke_off_are_made_anew[words]",
    "test_a_truncated_member_of_the_cache_is_unpacked_anew[cli/main.py-0",
    "test_a_truncated_member_of_the_cache_is_unpacked_anew[boot/entry.py-2",
    "test_a_truncated_member_of_the_cache_is_unpacked_anew[boot/start.py-0",
    "test_it_starts_twice_with_an_odd_environment[more1]",
    "test_it_starts_twice_with_an_odd_environment[more3]",
    "test_it_starts_twice_with_an_odd_environment[more4]",
    "test_it_starts_twice_with_an_odd_environment[more5]",
    "test_a_refused_bootstrap_is_undone_and_its_cause_is_said[5]",
    "test_a_refused_bootstrap_is_undone_and_its_cause_is_said[133]",
    "test_a_launchctl_verb_that_hangs_is_given_up_and_said[bootout]",
    "test_a_launchctl_verb_that_hangs_is_given_up_and_said[kickstart]",
    "test_a_home_of_any_name_works_from_beginning_to_end",
    "test_a_data_folder_that_stays_is_named_with_what_is_in_it",
    "test_a_refused_restart_or_stop_is_said_in_launchds_words_and_soon",
    "test_a_job_that_cannot_be_asked_about_is_not_said_to_be_off_this_mac",
    "test_a_service_that_was_switched_off_for_us_need_not_come_up_for_us_to_go",
    "test_the_backup_of_what_was_replaced_is_named_for_programs_too",
    "test_ctrl_c_or_a_window_that_is_closed_undoes_what_was_begun[1]",
    "test_ctrl_c_or_a_window_that_is_closed_undoes_what_was_begun[15]",
    "test_a_second_ctrl_c_does_not_break_the_undoing_off",
    "test_unloads_and_swaps_are_no_crashes[v228]",
    "test_unloads_and_swaps_are_no_crashes[v236]",
    "test_a_server_with_keys[v228]",
    "test_whatever_is_wrong_in_a_dialects_words_a_frame_comes_out[v236]",
    "test_bash_completes_ids_with_colons_too[llamabar load be",
    "test_bash_completes_ids_with_colons_too[llamabar stat",
    "test_hostile_names_drive_neither_a_terminal_nor_a_spreadsheet[ascii]",
    "test_a_job_whose_process_or_child_listens_is_the_service_whatever_its_files_say[exec]",
    "test_odd_ids_are_loaded_and_unloaded_by_their_own_name[v228]",
    "test_odd_ids_are_loaded_and_unloaded_by_their_own_name[v236]",
    "test_in_a_whole_life_rows_jump_only_where_something_came_or_went[v250-process]",
    "test_in_a_whole_life_rows_jump_only_where_something_came_or_went[v236-stdin]",
    "test_a_member_that_cannot_be_read_any_more_is_unpacked_anew",
    "test_a_half_deleted_cache_is_unpacked_anew[click]",
    "test_every_route_answers_as_the_real_one_does[v228]",
    "test_every_event_has_the_keys_types_and_order_of_the_real_one[v228]",
    "test_without_an_answer_nothing_is_done_and_one_yes_is_enough",
    "test_quarantine_is_not_carried_into_the_installed_file",
    "test_killed_in_the_middle_the_next_run_completes_it[xattr]",
    "test_what_is_written_is_for_its_user_alone_and_leftovers_of_any_version_go_with_it",
    "test_an_update_has_its_attribute_before_its_name_and_restarts_the_plugin",
    "test_macos_that_takes_the_service_out_again_is_said_to_do_so",
    "test_a_read_only_agents_folder_is_said_and_nothing_is_changed",
    "test_over_ssh_with_nobody_at_the_screen_it_says_so",
    "test_a_port_that_is_taken_after_the_plan_undoes_the_service",
    "test_a_read_only_cache_is_used_and_a_read_only_home_is_done_without",
    "test_a_truncated_member_of_the_cache_is_unpacked_anew[boot/start.py-2",
    "test_a_clock_that_stands_in_1970_changes_nothing",
    "test_demo_models_run_from_the_unpacked_file",
    "test_another_version_in_its_place_is_not_taken_for_the_one_before",
    "test_requests_from_before_the_first_start_and_beside_another_watcher_count_once",
    "test_a_failure_of_psutil_costs_one_figure_and_is_named_once[targets1",
    "test_a_failure_of_psutil_costs_one_figure_and_is_named_once[targets2",
    "test_a_failure_of_psutil_costs_one_figure_and_is_named_once[targets4",
    "test_it_starts_twice_with_an_odd_environment[more0]",
    "test_a_frame_for_programs_without_frames_has_no_separator[ARGOS_VERSION]",
)


def pytest_collection_modifyitems(items):
    """Skip slow tests, unless all are requested."""
    if not os.environ.get("LLAMABAR_LONG_TESTS"):
        for item in items:
            if item.name.startswith(LONG):
                item.add_marker(pytest.mark.skip(reason="takes long: build.py test --all"))


def pytest_collection_finish(session):
    """When tests are only collected, build what is cached: hypothesis's character tables take each process 3 s."""
    if session.config.option.collectonly:
        st.text().validate()


@pytest.fixture
def make_mac(tmp_path_factory):
    """Return a function that makes a Mac (tests/mac/machine.py) with options; each is closed, and so checked, at the
    end."""
    from tests.mac.machine import Mac

    made = []

    def make(**options):
        made.append(Mac(tmp_path_factory.mktemp("mac"), **options))
        return made[-1]

    yield make
    for mac in made:
        mac.close()


@pytest.fixture
def mac(make_mac):
    """Return a Mac: macOS 26, a user logged in, time twenty times as fast for launchd."""
    return make_mac(seconds_per_second=0.05)
