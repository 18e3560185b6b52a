"""Every row of the table of hazards, and the tests that say what must be true of it.

The rows stand in the table's order. *words* are a few of the row's own, enough to know it by.
"""

from __future__ import annotations

from typing import Final, NamedTuple


class Row(NamedTuple):
    """A hazard, and the names of its tests: of this folder, or ``folder/test`` of another."""

    words: str
    tests: tuple[str, ...] = ()
    not_yet: str = ""
    """What of it waits for what does not exist today."""


WORLD: Final = (
    Row(
        "crash before after any checkpoint",
        (
            "test_a_crash_beside_a_checkpoint_loses_nothing_and_redoes_nothing_recorded",
            "test_an_at_least_once_step_that_was_cut_off_runs_again_as_the_same_attempt",
            "test_an_at_most_once_step_that_was_cut_off_never_runs_again",
            "test_no_code_of_the_workflow_runs_after_the_sandbox_has_died",
            "test_a_wait_is_not_started_twice_when_its_answer_was_lost_with_the_sandbox",
        ),
    ),
    Row(
        "answer to a checkpoint is lost",
        (
            "test_a_lost_answer_is_asked_for_again_with_the_same_client_token_and_nothing_is_applied_twice",
            "test_two_calls_never_share_a_client_token",
            "test_answers_that_do_not_show_their_own_batch_run_nothing_twice",
            "test_an_error_of_a_step_stays_that_error_where_the_answer_does_not_show_it",
        ),
    ),
    Row(
        "step kills the sandbox each time",
        (
            "test_a_step_that_kills_the_sandbox_each_time_ends_with_its_last_attempt",
            "test_the_handlers_strategy_counts_cut_off_attempts_too",
            "test_the_strategy_is_asked_about_the_interruption",
            "test_an_at_least_once_step_that_is_never_retried_runs_again_all_the_same",
        ),
    ),
    Row(
        "read timeout reset 429 5xx",
        (
            "test_what_passes_is_tried_again",
            "test_a_throttled_call_waits_as_long_as_it_is_told",
            "test_a_pause_that_would_end_after_the_deadline_is_not_begun",
            "test_a_service_that_stays_away_is_an_error_with_its_cause_before_the_deadline",
            "test_what_boto3_raises_is_classified_by_its_shape",
            "test_a_key_that_kms_refuses_is_not_tried_again_though_it_comes_as_502",
            "test_a_refusal_fails_the_execution_and_names_the_operation",
        ),
    ),
    Row(
        "page of state fails half way",
        (
            "test_no_code_of_the_workflow_runs_on_half_of_its_state",
            "test_no_code_of_the_workflow_runs_where_its_state_is_refused",
            "test_no_code_of_the_workflow_runs_without_an_execution_operation",
            "test_no_code_of_the_workflow_runs_on_the_state_of_another_execution",
            "test_a_page_that_fails_and_passes_is_read_again",
            "test_the_first_page_may_be_empty_and_the_execution_stand_on_the_last",
            "test_many_operations_in_small_pages_are_all_recalled",
            "test_an_unknown_status_is_not_over",
            "test_an_unknown_type_is_nobodys",
            "test_times_are_read_in_all_three_forms",
        ),
    ),
    Row(
        "token withheld stale of another invocation",
        (
            "test_no_result_is_returned_after_a_token_was_withheld",
            "test_code_that_swallows_the_end_records_nothing_after_a_token_was_withheld",
            "test_a_pause_ends_the_invocation_and_nothing_is_redone_after_it",
            "test_a_failure_of_the_handler_is_no_answer_either_after_a_token_was_withheld",
            "test_the_result_of_a_handler_is_no_answer_where_its_last_flush_gets_no_token",
            "test_a_stale_token_leaves_the_handler_so_that_lambda_calls_again",
            "test_an_invocation_that_was_superseded_in_the_middle_reports_nothing",
        ),
    ),
    Row(
        "any failed checkpoint",
        (
            "test_code_that_swallows_a_failed_checkpoint_reports_no_success",
            "test_code_that_swallows_a_refusal_reports_no_success",
            "test_no_except_exception_sees_a_failed_checkpoint",
            "test_a_client_that_is_broken_itself_hangs_nobody",
            "test_a_failure_that_the_sender_meets_reaches_every_waiter",
            "test_an_invocation_error_of_the_program_is_raised_so_that_lambda_calls_again",
        ),
    ),
    Row(
        "callback or timer lands while a sibling works",
        (
            "test_a_branch_whose_wait_is_over_goes_on_while_its_sibling_works",
            "test_a_branch_whose_retry_is_due_goes_on_while_a_thread_of_its_sibling_works",
            "test_what_an_answer_told_is_acted_on_before_pending_is_answered",
            "operations/test_an_answer_that_lands_while_a_sibling_works_is_acted_on_then",
            "fan_out/test_a_callback_that_is_answered_meanwhile_goes_on_while_a_sibling_works",
            "test_a_timer_that_fires_after_the_last_answer_causes_one_more_invocation_and_is_not_lost",
            "test_a_body_that_blocks_the_loop_or_a_thread_does_not_hold_back_what_was_recorded",
            "test_a_start_that_nobody_waits_for_shares_the_call_of_a_quick_outcome",
        ),
    ),
    Row(
        "clocks disagree a timer fires late",
        (
            "test_a_service_whose_clock_is_years_behind_is_polled_at_the_right_time",
            "test_a_timer_that_fires_late_is_polled_for_with_a_floor_and_a_growing_pause",
            "test_a_poll_that_fails_and_passes_is_tried_again",
            "test_a_poll_that_is_refused_fails_the_execution_at_once",
        ),
    ),
    Row(
        "duplicate delivery of an invocation",
        (
            "test_an_invocation_that_comes_twice_runs_its_at_most_once_steps_once",
            "test_an_invocation_that_comes_twice_at_the_same_time_runs_its_at_most_once_steps_once",
        ),
    ),
    Row(
        "the deadline is near",
        (
            "test_no_step_starts_in_the_last_second_and_what_was_done_is_recorded",
            "test_a_step_that_is_too_late_to_start_is_not_recorded_as_started",
            "test_what_is_queued_when_the_deadline_is_near_is_recorded",
            "test_an_async_step_is_cancelled_unrecorded_and_what_is_queued_is_flushed",
            "test_a_thread_that_cannot_be_cancelled_does_not_hold_the_invocation_beyond_its_deadline",
            "test_a_body_that_timed_out_and_runs_on_does_not_hold_the_invocation_beyond_its_deadline",
            "test_a_body_that_timed_out_is_waited_for_before_the_answer",
            "test_what_a_thread_returns_after_the_end_runs_in_no_later_invocation",
            "test_what_the_thread_of_a_cancelled_step_returns_is_not_awaited",
            "test_blocking_work_of_a_loser_is_waited_for_before_the_answer",
            "test_no_call_outlives_the_deadline",
            "test_no_call_outlives_the_deadline_beside_a_running_step",
            "test_a_call_is_bounded_where_lambda_does_not_say_how_much_time_is_left",
        ),
    ),
    Row(
        "1,000 warm invocations",
        (
            "test_a_thousand_warm_invocations_leave_nothing",
            "test_a_long_history_is_freed_with_its_invocation",
            "test_nothing_is_left_for_the_garbage_collector_to_find_later",
            "test_an_invocation_that_had_to_be_abandoned_leaves_no_descriptor",
            "test_two_executions_in_two_threads_share_nothing",
            "test_a_handler_may_be_called_inside_a_running_loop",
            "test_what_one_workflow_sets_on_the_loop_is_gone_in_the_next",
            "test_an_idle_connection_keeps_no_invocation_awake",
        ),
    ),
)

PROGRAM: Final = (
    Row(
        "except BaseException bare except finally with an operation gather",
        (
            "test_except_base_exception_does_not_turn_a_suspension_into_a_result",
            "test_an_exception_raised_in_place_of_a_suspension_does_not_fail_the_execution",
            "test_an_operation_in_finally_runs_at_the_logical_end_and_not_at_a_suspension",
            "test_no_operation_starts_while_unwinding_however_often_the_code_tries",
            "test_no_recorded_outcome_is_seen_while_unwinding",
            "test_a_suspension_passes_through_children_that_catch_everything",
            "test_nothing_follows_a_virtual_child_that_swallows_its_suspension",
            "test_gather_with_return_exceptions_does_not_turn_a_suspension_into_results",
            "test_a_task_group_that_is_suspended_does_not_fail_the_execution",
            "test_cleaning_up_local_resources_may_take_its_time",
        ),
    ),
    Row(
        "operation inside a step parent's context after its end foreign thread",
        (
            "test_an_operation_in_a_wrong_place_is_refused_by_its_name_before_any_effect",
            "test_the_refusal_of_a_misplaced_operation_can_be_caught_and_replays",
            "test_a_blocking_operation_in_a_wrong_place_is_refused_by_its_name_before_any_effect",
            "test_a_misplaced_operation_is_never_retried",
            "test_an_operation_in_a_strategy_serializer_or_mapper_takes_no_place",
            "test_a_step_that_fails_for_a_misplaced_operation_says_so_as_a_step_error_too",
            "test_a_context_of_an_earlier_invocation_is_refused_in_the_next",
            "test_the_context_of_the_handler_is_refused_in_a_branch",
        ),
    ),
    Row(
        "operation that nobody awaits",
        (
            "test_an_operation_that_nobody_awaits_fails_the_handler_and_is_named_with_its_line",
            "test_an_operation_that_nobody_awaits_fails_its_child_context",
            "test_an_operation_that_nobody_awaits_is_no_error_where_the_handler_fails_or_suspends",
            "test_an_operation_that_nobody_awaits_is_no_error_where_its_task_was_cancelled_or_failed",
            "test_an_operation_that_is_awaited_twice_is_refused_the_second_time",
        ),
    ),
    Row(
        "while True try await ctx.wait both flavours",
        (
            "test_async_code_that_swallows_every_suspension_for_ever_is_left_within_the_grace",
            "test_async_code_that_hangs_while_it_cleans_up_is_left_within_the_grace",
            "test_blocking_code_that_swallows_every_suspension_for_ever_is_left_within_the_grace",
        ),
    ),
    Row(
        "gather notify sleeps to_thread before its step",
        (
            "test_a_task_that_sleeps_or_uses_a_thread_before_its_step_is_not_suspended_before_the_step_ran",
            "test_a_task_that_sleeps_beside_a_callback_is_not_suspended_before_its_step_ran",
        ),
    ),
    Row(
        "awaits an Event that nobody sets",
        (
            "test_a_workflow_that_waits_for_an_event_nobody_sets_fails_at_once_in_a_runner_and_names_its_line",
            "test_a_workflow_that_waits_for_an_event_nobody_sets_fails_before_the_deadline_in_lambda",
            "test_a_foreign_thread_may_still_set_the_event_in_lambda",
            "test_an_event_nobody_sets_beside_a_wait_is_an_error_only_once_the_wait_is_over",
            "test_a_task_that_turns_on_the_spot_until_another_is_done_sees_it_done",
        ),
    ),
    Row(
        "asyncio.timeout around an operation",
        (
            "test_an_operation_under_a_clock_of_asyncio_is_refused_before_any_effect",
            "test_a_clock_that_runs_over_other_code_or_is_over_does_no_harm",
            "test_a_clock_within_a_step_is_the_steps_own",
            "test_the_timeout_of_a_step_is_recorded_and_replays",
        ),
    ),
    Row(
        "work shared between tasks by order of arrival",
        (
            "test_work_that_tasks_share_by_order_of_arrival_replays_alike",
            "test_outcomes_that_come_together_are_seen_one_after_the_other",
        ),
    ),
    Row(
        "as_completed over bare coroutines",
        ("test_work_that_tasks_share_by_order_of_arrival_replays_alike",),
        not_yet="the linter; what it recommends, tasks made first, is tested",
    ),
    Row(
        "context variable set inside a step",
        (
            "test_a_context_variable_that_a_step_sets_does_not_come_back_but_one_that_is_set_reaches_it",
            "test_a_context_variable_that_a_child_context_sets_does_not_come_back",
        ),
    ),
    Row(
        "StopIteration CancelledError GeneratorExit out of a step",
        ("test_whatever_comes_out_of_a_step_is_the_failure_of_an_attempt",),
    ),
    Row(
        "task left running in a child context",
        (
            "test_a_task_left_running_in_a_child_context_is_an_error_that_names_its_operation",
            "test_a_task_left_running_at_the_end_of_the_handler_is_an_error_too",
            "test_no_update_follows_the_end_of_a_child_context",
        ),
    ),
    Row(
        "step whose body uses gather followed by tasks",
        (
            "test_what_a_step_or_a_serializer_does_moves_no_lane_of_the_workflow",
            "test_a_body_runs_in_a_task_of_its_own_that_knows_the_step_and_its_serializer_in_the_workflows",
            "test_a_task_around_a_single_operation_takes_no_number",
        ),
    ),
    Row(
        "TaskGroup in which one fails after a sibling",
        ("test_a_task_group_in_which_one_fails_after_a_sibling_recorded_steps_replays",),
    ),
    Row(
        "create_task ctx.wait cancelled then branches on it",
        (
            "test_a_wait_that_was_cancelled_takes_the_same_branch_on_every_replay",
            "test_a_wait_that_was_cancelled_and_that_the_code_cancels_no_more_is_an_error_and_no_hang",
        ),
    ),
    Row(
        "CANCEL meets a timer that just fired",
        ("test_a_cancel_that_meets_a_timer_which_has_fired_loses_nothing",),
    ),
    Row(
        "blocking map inside a blocking map",
        ("test_blocking_maps_inside_blocking_maps_finish_though_they_are_more_than_threads",),
    ),
    Row(
        "module-level async clients",
        ("test_a_module_level_async_client_keeps_its_connection_from_one_invocation_to_the_next",),
    ),
    Row(
        "SystemExit KeyboardInterrupt CancelledError out of a step",
        (
            "test_whatever_comes_out_of_a_step_is_the_failure_of_an_attempt",
            "test_whatever_comes_out_of_a_task_inside_a_step_is_that_steps_attempt",
            "test_a_system_exit_in_a_task_inside_a_step_that_nobody_awaits_hangs_nothing",
            "test_a_system_exit_in_an_async_step_of_a_blocking_workflow_is_an_attempt",
            "test_whatever_comes_out_of_a_handler_fails_the_execution_and_leaves_the_sandbox_alive",
            "test_a_system_exit_out_of_a_task_of_the_workflow_fails_the_execution_and_leaves_the_sandbox_alive",
            "test_a_real_interrupt_is_no_attempt_but_ends_the_process",
        ),
    ),
    Row(
        "retry strategy that raises answers nonsense",
        (
            "test_a_strategy_that_raises_or_answers_nonsense_fails_the_step_with_both_errors",
            "test_arguments_that_do_not_fit_the_function_are_not_retried",
        ),
    ),
    Row(
        "code changed under a running execution",
        (
            "test_code_that_asks_for_something_else_than_is_recorded_fails_and_is_told_both_sides",
            "test_the_two_sides_of_a_mismatch_never_read_alike",
            "test_another_subtype_of_the_same_type_is_a_mismatch",
            "test_another_type_of_the_same_name_is_a_mismatch",
            "test_a_combinator_that_is_given_another_number_of_operations_is_a_mismatch",
            "test_code_may_change_where_its_recorded_operations_stay",
            "test_an_exception_before_the_recorded_operations_is_the_handlers_own",
            "test_a_mismatch_can_not_be_taken_for_a_failed_step",
            "test_a_mismatch_that_the_code_catches_fails_the_execution_all_the_same",
        ),
    ),
    Row(
        "unnamed steps of the same kind exchanged",
        ("test_code_that_asks_for_something_else_than_is_recorded_fails_and_is_told_both_sides",),
    ),
    Row(
        "result that JSON would change",
        (
            "test_a_result_that_json_would_change_is_refused_the_first_time_with_the_fix",
            "test_a_result_that_its_annotation_would_change_is_refused_the_first_time",
            "test_an_annotation_that_can_not_work_is_refused_before_the_body_runs",
            "test_a_coroutine_that_a_step_returns_is_awaited",
        ),
    ),
    Row(
        "result error update over the limit",
        (
            "test_a_result_over_the_limit_fails_its_step_and_nothing_else",
            "test_an_update_that_the_service_finds_too_large_is_refused_alone_while_its_sibling_goes_on",
            "test_a_profile_may_be_smaller_than_the_service",
            "test_an_error_over_the_limit_is_cut_to_fit_and_marked",
            "test_an_error_over_the_limit_fails_the_execution_cut_to_fit_and_marked",
            "test_an_error_whose_stack_is_over_the_limit_is_cut_to_fit",
            "test_a_childs_result_over_the_limit_is_given_again_by_its_operations",
            "test_a_summary_generator_that_goes_wrong_fails_its_child_and_hangs_nothing",
            "test_a_result_over_the_response_limit_is_recorded_on_the_execution",
            "test_a_result_over_the_executions_limit_fails_the_execution",
            "test_a_result_that_the_service_refuses_for_its_size_is_not_lost_in_silence",
        ),
    ),
    Row(
        "serializer that returns bytes raises returns a dict",
        ("test_a_serializer_that_goes_wrong_fails_its_operation_by_name_and_hangs_nothing",),
    ),
    Row(
        "name that is empty too long not ASCII",
        (
            "test_an_argument_that_no_execution_could_accept_is_refused_before_any_effect",
            "test_an_automatic_name_is_made_legal",
        ),
    ),
    Row(
        "bare numbers for durations negative waits two years",
        (
            "test_an_argument_that_no_execution_could_accept_is_refused_before_any_effect",
            "test_a_configuration_that_no_execution_could_accept_is_refused_where_it_is_made",
            "test_fractions_of_seconds_are_rounded_up_and_the_longest_wait_is_taken",
            "test_a_heartbeat_that_is_longer_than_the_time_out_and_a_share_over_a_hundred_are_refused",
        ),
    ),
    Row(
        "map larger than the quota leaves room for",
        ("test_a_map_that_the_quota_cannot_hold_is_refused_with_the_figures_and_before_its_first_item",),
    ),
    Row(
        "10,000 items 1,400 blocking",
        (
            "test_many_blocking_items_share_a_bounded_pool",
            "test_ten_thousand_items_take_no_threads_in_async_workflows",
        ),
    ),
    Row(
        "1,000 nested child contexts",
        (
            "test_a_thousand_nested_child_contexts_work",
            "test_three_thousand_nested_async_child_contexts_work",
            "test_a_thousand_nested_blocking_child_contexts_work",
            "test_blocking_child_contexts_nested_without_end_fail_the_execution_and_leave_the_sandbox_alive",
            "test_a_blocking_execution_that_ends_takes_no_room_from_one_that_is_deep",
        ),
    ),
    Row(
        "handler result with a datetime Decimal UUID",
        (
            "test_one_codec_serves_steps_children_results_and_events",
            "test_a_handlers_result_that_json_would_change_fails_the_execution_with_the_fix",
        ),
    ),
    Row(
        "update bigger than a batch",
        (
            "test_a_result_that_the_service_takes_is_recorded_however_large_its_batch_would_be",
            "test_a_start_that_shares_its_batch_with_many_never_holds_more_than_the_service_takes",
        ),
    ),
)

HOSTILE: Final = (
    Row(
        "Recorded data never chooses a class module nothing is unpickled",
        (
            "test_a_record_never_chooses_a_class_or_module_that_the_program_does_not_name",
            "test_error_data_forges_none_of_the_errors_own_fields",
            "test_error_data_of_another_shape_is_left_out",
            "test_nothing_is_unpickled_evaluated_or_imported_by_name",
        ),
    ),
    Row(
        "Input results tokens never logged whole",
        (
            "test_inputs_results_and_tokens_are_never_logged_whole",
            "operations/test_its_id_stands_in_nothing_that_is_shown",
        ),
    ),
    Row(
        "CR LF escape codes of foreign text are escaped",
        (
            "test_control_characters_of_the_service_are_escaped_in_messages",
            "test_control_characters_of_the_record_are_escaped_in_messages",
            "test_control_characters_of_an_attempts_error_are_escaped_where_the_sdk_quotes_it",
            "test_control_characters_of_an_event_are_escaped_where_the_sdk_quotes_them",
            "test_an_event_that_is_no_durable_invocation_is_refused_in_words_that_help",
        ),
    ),
    Row("Stack traces only if asked for", ("test_stack_traces_go_to_the_service_only_if_asked_for",)),
    Row("Development servers bind 127.0.0.1", not_yet="the server of durable_testing"),
    Row(
        "Inside Lambda an endpoint override",
        ("test_inside_lambda_an_endpoint_override_must_be_https_or_loopback",),
    ),
    Row(
        "decoder caps depth",
        (
            "test_an_event_nested_without_end_fails_the_execution_before_any_code_runs",
            "test_a_recorded_result_nested_without_end_is_an_error_of_its_step",
            "test_recorded_error_data_nested_without_end_is_left_out",
            "test_a_result_is_read_back_at_the_depth_at_which_it_was_taken_or_refused_the_first_time",
            "test_an_error_that_holds_a_value_nested_without_end_is_recorded_without_it",
            "test_an_error_that_holds_a_value_which_can_not_be_compared_is_recorded_without_it",
            "test_a_result_that_was_taken_is_read_back_however_deep_the_stack_is_by_then",
        ),
    ),
)

ROWS: Final = {"world_fails": WORLD, "program_wrong": PROGRAM, "hostile": HOSTILE}
