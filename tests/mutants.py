"""Planted faults, and the law that catches each.

Usage: python tests/mutants.py [NAME ...]

Each mutant changes one place of a copy of the package and runs the law that should fail there. A
mutant that survives is a law that cannot fail: the script then exits with 1.
"""

import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).parents[1]


class Mutant(NamedTuple):
    """One fault: in `file`, `old` becomes `new`; `law` is the test that must fail."""

    file: str
    old: str
    new: str
    law: str


MUTANTS = {
    "a device adds the gradients of its own blocks only": Mutant(
        "sharded_training.py",
        "        return gathered(leaf)\n",
        "        return leaf\n",
        "tests/test_sharding.py::test_a_mesh_changes_a_table_by_rounding_alone",
    ),
    "rows of another device are added here": Mutant(
        "sharded_training.py",
        "return at, jnp.where(mine[..., None], rows, 0.0)",
        "return at, rows",
        "tests/test_sharding.py::test_a_mesh_changes_a_table_by_rounding_alone",
    ),
    "one device applies what another refuses": Mutant(
        "sharded_training.py",
        "finite = jnp.all(_everyones(on, finite[None]))",
        "finite = jnp.all(finite)",
        "tests/test_sharding.py::test_a_number_that_is_not_finite_on_one_device",
    ),
    "the partitioner takes vectors whole": Mutant(
        "sharded_training.py",
        "if not (on.by_dim and vectors):",
        "if True:",
        "tests/test_sharding.py::test_what_travels_is_row_gradients",
    ),
    "windows cross sentence ends": Mutant(
        "static/counts.py",
        "together = (sentence[later] == sentence[earlier]) & (sentence[later] >= 0)",
        "together = (sentence[earlier] >= 0) & (sentence[later] >= 0)",
        "tests/static/test_counts.py::test_cells_are_the_windows_of_every_word",
    ),
    "a block forgets the words before it": Mutant(
        "static/counts.py",
        "before = np.concatenate([before, rest[:size]])[-window:]",
        "before = rest[:size][-window:]",
        "tests/static/test_counts.py::test_blocks_of_any_size_streamed_and_merged",
    ),
    "a merge goes past what was read": Mutant(
        "static/merging.py",
        "bound = min(bounds) if bounds else None",
        "bound = max(bounds) if bounds else None",
        "tests/static/test_counts.py::test_runs_of_any_overlap_merge",
    ),
    "contexts are smoothed and their sum is not": Mutant(
        "static/pmi.py",
        "smoothed - scipy.special.logsumexp(smoothed, b=mass > 0)",
        "smoothed - np.log(max(mass.sum(), np.finfo(float).tiny))",
        "tests/static/test_pmi.py::test_pmi_is_the_log_ratio",
    ),
    "a distance that weighs nothing makes cells": Mutant(
        "static/counts.py",
        "counts = values > 0",
        "counts = values >= 0",
        "tests/static/test_counts.py::test_pairs_at_a_distance_that_weighs_nothing",
    ),
    "a write that was cut short is taken for whole": Mutant(
        "provenance.py",
        "                while left:\n                    left = left[file.write(left) :]\n",
        "                file.write(left)\n",
        "tests/static/test_counts.py::test_a_full_disk_is_said",
    ),
    "phrases end where Unicode ends lines": Mutant(
        "text/phrases.py",
        'provenance.read_text(path).removesuffix("\\n").split("\\n")',
        'provenance.read_text(path).splitlines() or [""]',
        "tests/text/test_phrases.py::test_phrases_of_any_words_come_back",
    ),
    "Lanczos is exact a step too early": Mutant(
        "linalg/bounds.py",
        "whole = min(rest + 1, of.shape[1] - len(found.s)) if rest else 0",
        "whole = rest",
        "tests/linalg/test_truncated.py::test_the_norm_outside_is_exact",
    ),
    "Lanczos is trusted more than was proved": Mutant(
        "linalg/bounds.py",
        "(missed / (2 * steps - 1)) ** 2",
        "(0.7 * missed / (2 * steps - 1)) ** 2",
        "tests/linalg/test_truncated.py::test_the_norm_outside_exceeds_its_bound",
    ),
    "cells are of the same words, whatever their counts": Mutant(
        "counting.py",
        '"".join(vocabulary.lines(corpus.vocab)).encode()',
        '"".join(corpus.vocab.words).encode()',
        "tests/test_factor_script.py::test_cells_of_the_same_words_in_another_text",
    ),
    "noise is not made orthogonal again": Mutant(
        "linalg/truncated.py",
        "for number in range(3):",
        "for number in range(1):",
        "tests/linalg/test_truncated.py::test_a_matrix_of_lower_rank",
    ),
    "what was missed is not looked for": Mutant(
        "linalg/bounds.py",
        "upper = xp.maximum(found.s, outside) + residual",
        "upper = found.s + residual",
        "tests/linalg/test_truncated.py::test_a_direction_that_the_triplets_missed",
    ),
    "the output takes the input's share of the values": Mutant(
        "factorizations.py",
        "v * root ** (1 - side_power)",
        "v * root**side_power",
        "tests/test_factorizations.py::test_the_tables_are_the_best_approximation",
    ),
    "cells of another window are taken": Mutant(
        "counting.py",
        '"window": config.window,',
        '"window": None,',
        "tests/test_factor_script.py::test_another_config_or_other_cells",
    ),
    "old counts are forgotten": Mutant(
        "text/vocabulary.py",
        "sums = before > 0, counts + before",
        "sums = before > 0, np.maximum(counts, before)",
        "tests/test_growing.py::test_old_words_stay_whatever_the_text",
    ),
    "old words must be frequent in the new text": Mutant(
        "text/vocabulary.py",
        "& ~too_long | stays)",
        "& ~too_long)",
        "tests/test_growing.py::test_old_words_stay_whatever_the_text",
    ),
    "old output rows are trained": Mutant(
        "starting.py",
        "InOut(*(np.float32(~side) for side in known))",
        "InOut(np.float32(~known.input), np.ones(len(known.output), np.float32))",
        "tests/test_growing.py::test_frozen_old_rows_keep_every_bit_in_both_tables",
    ),
    "a rotation counts as change": Mutant(
        "growing.py",
        "float(best.residual) / size",
        "float(np.linalg.norm(after - before)) / size",
        "tests/test_growing.py::test_a_table_that_was_only_rotated",
    ),
    "fastText's noise is only skipped": Mutant(
        "static/blocks.py",
        "skip(observed / others[None, :]",
        "skip(observed",
        "tests/static/test_blocks.py::test_resampled_noise_is_in_expectation",
    ),
    "fastText's words have their share of those kept": Mutant(
        "profiles.py",
        'subsample_of="read"',
        'subsample_of="kept"',
        "tests/test_profiles.py::test_frequent_words_are_thinned_out",
    ),
    "gensim's centers predict their context": Mutant(
        "profiles.py",
        """skipgram={"direction": blocks.skipgram_from_context, "learning_rate": 0.025},
        cbow={"mean": pooling.mean_word2vec, "learning_rate": 0.025},""",
        """skipgram={"direction": blocks.skipgram, "learning_rate": 0.025},
        cbow={"mean": pooling.mean_word2vec, "learning_rate": 0.025},""",
        "tests/test_profiles.py::test_a_step_is_what_the_program_does",
    ),
    "a pair cut by blocks is not counted": Mutant(
        "text/pairs.py",
        "last = words[-1:]",
        "last = words[:0]",
        "tests/text/test_phrases.py::test_any_blocks_and_any_scratch_files",
    ),
    "phrases share their words": Mutant(
        "text/phrases.py",
        "match & ((at - chain) % 2 == 0)",
        "match & ((at - chain) % 3 == 0)",
        "tests/text/test_phrases.py::test_the_same_sentences_come_out_as_from_gensim",
    ),
    "a phrase is not the word it is spelled like": Mutant(
        "text/phrases.py",
        "if word in wanted}",
        "if word is wanted}",
        "tests/text/test_phrases.py::test_a_phrase_that_is_spelled_like_a_word",
    ),
    "words that were joined are forgotten": Mutant(
        "text/corpus.py",
        "Tokens(tokens.read + joined, ",
        "Tokens(tokens.read, ",
        "tests/text/test_phrases.py::test_every_joined_word_is_in_the_account",
    ),
    "noise attracts": Mutant(
        "functional/losses.py",
        "softplus(-(context @ center)) + jnp.sum(softplus(noise @ center))",
        "softplus(-(context @ center)) + jnp.sum(softplus(-(noise @ center)))",
        "tests/functional/test_losses.py::test_skipgram_is_the_papers_equation",
    ),
    "target ignored": Mutant(
        "functional/losses.py",
        "softplus(-target[None, :] * scores)",
        "softplus(-scores)",
        "tests/functional/test_losses.py::test_a_block_costs_the_sum_of_its_pairs",
    ),
    "softplus slope of the wrong sign": Mutant(
        "functional/losses.py",
        "tangent * jax.nn.sigmoid(x)",
        "tangent * jax.nn.sigmoid(-x)",
        "tests/functional/test_losses.py::test_softplus_and_its_gradient_are_finite",
    ),
    "window summed, not averaged": Mutant(
        "functional/pooling.py",
        "    return products.sums(mask, rows) * (1.0 / _count(mask))",
        "    return products.sums(mask, rows)",
        "tests/functional/test_pooling.py::test_both_means_are_the_mean",
    ),
    "the mean's last bit depends on the program around it": Mutant(
        "functional/pooling.py",
        "products.sums(mask, rows) * (1.0 / _count(mask))",
        "products.sums(mask, rows) / _count(mask)",
        "tests/test_sharding.py::test_exact_elastic_training",
    ),
    "a bag's padding is read too": Mutant(
        "static/bags.py",
        "sums = sums + found * live[:, slot, None]",
        "sums = sums + found",
        "tests/static/test_bags.py::test_a_bag_is_read_as_the_mean_of_its_rows",
    ),
    "bags come back in another order": Mutant(
        "static/bags.py",
        "back = jnp.zeros_like(means).at[order].set(means, unique_indices=True)",
        "back = means[order]",
        "tests/static/test_bags.py::test_a_bag_is_read_as_the_mean_of_its_rows",
    ),
    "rows receive no share": Mutant(
        "static/bags.py",
        "(vectors * bag.share[..., None]).reshape",
        "(vectors * 1).reshape",
        "tests/static/test_bags.py::test_every_row_of_a_bag_receives_its_share",
    ),
    "a word of CBOW weighs one": Mutant(
        "static/subwords.py",
        "pool=block.pool * resources.bags.weight[words][None, :]",
        "pool=block.pool",
        "tests/static/test_subwords.py::test_cbow_predicts_with_the_mean_of_all_rows",
    ),
    "buckets are numbered as rows": Mutant(
        "static/subwords.py",
        "row[order] = np.arange(len(used))",
        "row[:] = np.arange(len(used))",
        "tests/static/test_subwords.py::test_a_bag_is_the_words_own_row",
    ),
    "the file's buckets are in the order of rows": Mutant(
        "subword_models.py",
        "places, rows = used[order], words + order",
        "places, rows = used[order], words + np.arange(len(order))",
        "tests/test_subword_models.py::test_gensim_reads_every_word_known_or_not",
    ),
    "words are found by their place": Mutant(
        "subword_models.py",
        "given.input[there], known.input[:] = model.rows[places[there]], True",
        "given.input[there], known.input[:] = model.rows[there % len(model.words)], True",
        "tests/test_subword_models.py::test_words_are_found_by_their_text",
    ),
    "a product's derivative forgets one factor": Mutant(
        "functional/products.py",
        "hidden_tangent @ outputs.T + turned.T",
        "hidden_tangent @ outputs.T",
        "tests/functional/test_products.py::test_value_and_derivatives_are_those_of_the_plain",
    ),
    "a sum's derivative forgets the mask": Mutant(
        "functional/products.py",
        "mask_tangent @ rows + jax.lax",
        "jax.lax",
        "tests/functional/test_products.py::test_value_and_derivatives_are_those_of_the_plain",
    ),
    "word2vec's gradient is the exact one": Mutant(
        "functional/pooling.py",
        "return mean(rows, mask), products.sums(mask, tangents[0])",
        "return mean(rows, mask), mean(tangents[0], mask)",
        "tests/functional/test_pooling.py::test_the_gradient_is_the_share_or_the_whole",
    ),
    "own outputs are read as shared ones": Mutant(
        "static/objectives.py",
        "outputs = outputs.reshape(hidden.shape[0], own, -1)",
        "outputs = outputs[::-1].reshape(hidden.shape[0], own, -1)",
        "tests/laws/test_objectives.py::test_a_cbow_block_costs_the_sum_of_its_centers",
    ),
    "the sorted way drops the last run": Mutant(
        "static/tables.py",
        "run = jnp.cumsum(begins, dtype=jnp.int32) - 1",
        "run = jnp.cumsum(begins, dtype=jnp.int32)",
        "tests/static/test_tables.py::test_sorted_and_plain_scatter_add_the_same",
    ),
    "a part is left out": Mutant(
        "learners.py",
        "at = [batch * part // parts for part in range(parts + 1)]",
        "at = [batch * part // parts for part in range(parts)]",
        "tests/laws/test_learners.py::test_parts_and_the_way_rows_are_added",
    ),
    "members draw alike": Mutant(
        "ensembles.py",
        "training.Stream.DRAWS) for key in keys]",
        "training.Stream.DRAWS) for key in keys[:1] * len(keys)]",
        "tests/test_ensembles.py::test_a_member_is_the_model_trained_alone",
    ),
    "members share one learning rate": Mutant(
        "ensembles.py",
        "plan.schedule(start, done) for start in members.learning_rates",
        "plan.schedule(plan.learning_rate, done) for start in members.learning_rates",
        "tests/test_ensembles.py::test_a_member_is_the_model_trained_alone",
    ),
    "a stretch begins inside a line": Mutant(
        "text/sources.py",
        "return at + found + 1",
        "return at + found + 2",
        "tests/text/test_reading.py::test_any_cut_gives_the_same_numbers",
    ),
    "lines are counted from the stretch": Mutant(
        "text/sources.py",
        "line = _first_line(stretch) + lines + _line_ends",
        "line = 1 + lines + _line_ends",
        "tests/text/test_reading.py::test_a_fault_far_into_the_text",
    ),
    "words of a part keep its own numbers": Mutant(
        "text/parts.py",
        "np.array([*common, SENTENCE_END], np.int32)",
        "np.array([*range(len(common)), SENTENCE_END], np.int32)",
        "tests/text/test_executors.py::test_any_executor_and_number_of_workers_writes_the_same_bytes",
    ),
    "two tries write into one folder": Mutant(
        "text/reading.py",
        "number(job, tokenizer, bad_utf8, Path(tempfile.mkdtemp(dir=scratch)), tell)",
        "number(job, tokenizer, bad_utf8, scratch, tell)",
        "tests/text/test_executors.py::test_any_executor_and_number_of_workers_writes_the_same_bytes",
    ),
    "a process that dies takes its task with it": Mutant(
        "text/processes.py",
        "TRIES = 3",
        "TRIES = 1",
        "tests/text/test_executors.py::test_a_killed_process_changes_nothing",
    ),
    "the fault found first is told": Mutant(
        "text/parts.py",
        "        for future in futures:\n            while",
        "        for future in sorted(futures, key=lambda f: not f.done()):\n            while",
        "tests/text/test_executors.py::test_of_several_failures_the_first_in_order",
    ),
    "what nobody waits for goes on writing": Mutant(
        "text/corpus.py",
        'shutil.rmtree(scratch.rename(f"{scratch}.over"), ignore_errors=True)',
        "shutil.rmtree(scratch, ignore_errors=True)",
        "tests/text/test_executors.py::test_nothing_is_left_though_somebody_still_writes",
    ),
    "a long line is held whole": Mutant(
        "text/sources.py",
        "if len(left) >= PIECE:",
        "if len(left) >= PIECE << 10:",
        "tests/text/test_long_lines.py::test_a_line_of_any_length",
    ),
    "alias forgets what was overdrawn": Mutant(
        "functional/sampling.py",
        "threshold[large] = _FULL - overdrawn",
        "threshold[large] = _FULL",
        "tests/functional/test_sampling.py::test_every_word_has_its_probability_exactly",
    ),
    "low bits choose the bucket": Mutant(
        "functional/sampling.py",
        "i = (bucket >> shift)",
        "i = (bucket & (table.alias.shape[0] - 1))",
        "tests/functional/test_sampling.py::test_the_top_bits_choose_the_bucket",
    ),
    "the paper's formula for the code's": Mutant(
        "functional/subsampling.py",
        "np.minimum(1.0, np.sqrt(ratio) + ratio)",
        "np.minimum(1.0, np.sqrt(ratio))",
        "tests/functional/test_subsampling.py::test_subsampling_follows_both_formulas",
    ),
    "the center is in its own window": Mutant(
        "static/blocks.py",
        "near = (distance > 0) & (distance <= reach[:, None])",
        "near = distance <= reach[:, None]",
        "tests/static/test_blocks.py::test_skipgram_reads_exactly_the_pairs_of_its_windows",
    ),
    "sentences mix": Mutant(
        "static/blocks.py",
        "return near & together & is_word",
        "return near & is_word",
        "tests/static/test_blocks.py::test_sentences_never_mix",
    ),
    "context words become centers": Mutant(
        "static/blocks.py",
        "& (text[at] >= 0)[:, None]",
        "& (text[at] != SENTENCE_END)[:, None]",
        "tests/static/test_blocks.py::test_cbow_reads_exactly_the_windows_of_its_centers",
    ),
    "reach never the whole window": Mutant(
        "static/blocks.py",
        "return 1 + (random % window)",
        "return 1 + (random % max(window - 1, 1))",
        "tests/static/test_blocks.py::test_distance_d_is_used_with_word2vecs_probability",
    ),
    "noise not weighed by k": Mutant(
        "static/blocks.py",
        "share = settings.negatives / settings.shared_negatives",
        "share = 1.0",
        "tests/laws/test_objectives.py::test_shared_noise_has_the_expected_gradient",
    ),
    "skip keeps": Mutant(
        "static/blocks.py",
        "(outputs[:, None] != noise[None, :])",
        "(outputs[:, None] != -noise[None, :] - 1)",
        "tests/static/test_blocks.py::test_skipped_noise_weighs_only_where",
    ),
    "no context beyond a segment": Mutant(
        "static/segments.py",
        "after = _words_after(around, at, reads.halo, segment_count(split))",
        "after = np.zeros(0, np.int32)",
        "tests/static/test_segments.py::test_blocked_segmented_text_gives_exactly_the_pairs",
    ),
    "context beyond a segment trains twice": Mutant(
        "static/segments.py",
        "= np.where(after >= 0, -2 - after, SENTENCE_END)",
        "= after",
        "tests/static/test_segments.py::test_blocked_segmented_text_gives_exactly_the_pairs",
    ),
    "every epoch the same": Mutant(
        "static/segments.py",
        "np.random.SeedSequence((split.seed, epoch, number, purpose))",
        "np.random.SeedSequence((split.seed, 0, number, purpose))",
        "tests/static/test_segments.py::test_epochs_and_seeds_differ",
    ),
    "held-out text is trained on": Mutant(
        "static/segments.py",
        "ids[is_held_out(start, stop, split.held_out) != split.held] = SENTENCE_END",
        "pass",
        "tests/static/test_segments.py::test_every_word_is_trained_subsampled_or_held_out",
    ),
    "repeats overwrite": Mutant(
        "static/tables.py",
        "return table.at[ids].add(rows,",
        "return table.at[ids].set(rows,",
        "tests/static/test_tables.py::test_gather_and_scatter_add_are_adjoint",
    ),
    "squares before sums": Mutant(
        "static/tables.py",
        "jnp.zeros_like(gradient).at[representative].add(gradient,",
        "jnp.zeros_like(gradient).at[representative].max(gradient,",
        "tests/laws/test_learners.py::test_row_sparse_equals_dense",
    ),
    "frozen rows move": Mutant(
        "learners.py",
        "lambda g, mask, i: _masked(g, mask[i])",
        "lambda g, mask, i: g",
        "tests/laws/test_learners.py::test_frozen_rows_keep_their_bits",
    ),
    "loss averaged over blocks": Mutant(
        "static/objectives.py",
        "return jnp.sum(jax.vmap(one)(rows, batch))",
        "return jnp.mean(jax.vmap(one)(rows, batch))",
        "tests/laws/test_learners.py::test_an_update_is_the_learning_rate_times",
    ),
    "randomness from the place in the chunk": Mutant(
        "training.py",
        "numbers = first + jnp.arange(texts.shape[0], dtype=jnp.int32)",
        "numbers = jnp.arange(texts.shape[0], dtype=jnp.int32)",
        "tests/test_training.py::test_the_chunk_length_changes_no_bit",
    ),
    "a resumed run starts its segment again": Mutant(
        "training.py",
        "segment_step=0 if chunk.ends_segment else chunk.first + chunk.real,",
        "segment_step=0,",
        "tests/test_training.py::test_training_goes_on_from_any_event_to_the_same_bits",
    ),
    "tolerance grows with the rows": Mutant(
        "linalg/spectrum.py",
        "tolerance=4 * (error + lost),",
        "tolerance=rows.everywhere * (error + lost),",
        "tests/linalg/test_spectrum.py::test_rank_does_not_fall_with_the_number_of_rows",
    ),
    "tolerance of what centring left": Mutant(
        "linalg/spectrum.py",
        "center * rows.everywhere * xp.sum(mean**2)",
        "0.0 * rows.everywhere * xp.sum(mean**2)",
        "tests/linalg/test_spectrum.py::test_equal_rows_centred_are_zero",
    ),
    "what the entries were stored as is forgotten": Mutant(
        "linalg/rounding.py",
        "kinds = [given, computed] if stored is None else [given, computed, stored]",
        "kinds = [computed]",
        "tests/linalg/test_spectrum.py::test_the_tolerance_is_that_of_the_stored_type",
    ),
    "a float32 Gram matrix for every table": Mutant(
        "linalg/methods.py",
        "_ROUND = 8.0",
        "_ROUND = 1e30",
        "tests/linalg/test_spectrum.py::test_a_planted_rank_is_found_and_certified",
    ),
    "a sketch that missed is believed": Mutant(
        "linalg/methods.py",
        "(turn < 4)",
        "(turn < 1)",
        "tests/linalg/test_spectrum.py::test_a_sketch_that_missed_a_direction",
    ),
    "float32 QR is believed": Mutant(
        "linalg/methods.py",
        "    r, least = _refined(rows, r)\n    return r, jnp.maximum(_ASLANT / least, 1.0)",
        "    return r, jnp.ones(())",
        "tests/linalg/test_spectrum.py::test_float32_on_a_device_is_as_good",
    ),
    "one SVD in float32": Mutant(
        "linalg/methods.py",
        "    return values, matmul(first.T, second.T)\n",
        "    return jnp.linalg.svd(r, full_matrices=False)[1], first.T\n",
        "tests/linalg/test_spectrum.py::test_float32_on_a_device_is_as_good",
    ),
    "no scale": Mutant(
        "linalg/rows.py",
        "scale = xp.ldexp(xp.ones_like(most), -xp.clip(exponent, -126, 126))",
        "scale = xp.ones_like(most)",
        "tests/linalg/test_spectrum.py::test_rank_is_the_number_of_planted_values_at_any_scale",
    ),
    "the row of one device": Mutant(
        "linalg/rows.py",
        "jnp.where(bad == nothing, bad, bad + before)",
        "bad",
        "tests/linalg/test_spectrum.py::test_a_bad_row_is_named",
    ),
    "certified whatever the margin": Mutant(
        "linalg/ranks.py",
        "clears = kept - error > tolerance",
        "clears = kept > 0",
        "tests/linalg/test_spectrum.py::test_a_value_at_the_tolerance_is_undecided",
    ),
    "products in default precision": Mutant(
        "linalg/arrays.py",
        "precision=Precision.HIGHEST",
        "precision=Precision.DEFAULT",
        "tests/linalg/test_precision.py::test_every_product_has_full_precision",
    ),
    "every pair twice": Mutant(
        "linalg/orthogonality.py",
        "(i[:, None] < j[None, :])",
        "(i[:, None] != j[None, :])",
        "tests/linalg/test_measures.py::test_coherence_is_over_every_pair_once",
    ),
    "a short column hides its tilt": Mutant(
        "linalg/orthogonality.py",
        "found * inverse[:, None] * inverse[None, :]",
        "found / scale[:, None] / scale[None, :]",
        "tests/linalg/test_measures.py::test_unit_and_orthogonal_are_different_faults",
    ),
    "rank counts ids, not words": Mutant(
        "linalg/onehot.py",
        "rank=xp.sum(counts > 0)",
        "rank=xp.sum(counts)",
        "tests/linalg/test_measures.py::test_one_hot_is_judged",
    ),
    "kurtosis of a Gaussian is 3": Mutant(
        "linalg/axes.py",
        "ratio(fourth, variance**2) - 3.0",
        "ratio(fourth, variance**2)",
        "tests/linalg/test_measures.py::test_kurtosis_and_sparsity",
    ),
    "equal scores in any order": Mutant(
        "functional/similarity.py",
        "chosen = jnp.sort(chosen, axis=1)",
        "chosen = chosen",
        "tests/functional/test_similarity.py::test_the_largest_by_groups_are_the_plain_ones",
    ),
    "cosines of 3CosMul are not shifted": Mutant(
        "functional/similarity.py",
        "((1.0 + cosine_to_rows(each, rows)) / 2.0 for each",
        "(cosine_to_rows(each, rows) for each",
        "tests/functional/test_similarity.py::test_answers_to_analogies_are_the_papers_formulas",
    ),
    "rows are counted from the block": Mutant(
        "evaluation/searching.py",
        "ids = ids + start",
        "ids = ids + 0",
        "tests/evaluation/test_searching.py::test_blocks_and_storage_change_no_answer",
    ),
    "the rarest case stands for all": Mutant(
        "text/vocabulary.py",
        "dict(zip(reversed(forms), reversed(range(len(forms))), strict=True))",
        "dict(zip(forms, range(len(forms)), strict=True))",
        "tests/evaluation/test_scores.py::test_of_several_cases_the_most_frequent_stands_for_all",
    ),
    "a form of a word asked is an answer": Mutant(
        "evaluation/analogies.py",
        "left = [form for form in forms if form not in asked]",
        "left = forms",
        "tests/evaluation/test_scores.py::test_analogies_are_gensims_in_every_section",
    ),
    "equal ratings get ranks of their own": Mutant(
        "evaluation/intervals.py",
        "scipy.stats.rankdata(x, axis=-1)",
        'scipy.stats.rankdata(x, "ordinal", axis=-1)',
        "tests/evaluation/test_intervals.py::test_correlations_are_scipys_ties_too",
    ),
    "one tail of two": Mutant(
        "evaluation/intervals.py",
        "2 * (tail + 1)",
        "(tail + 1)",
        "tests/evaluation/test_intervals.py::test_p_is_evenly_spread_where_tables_are_alike",
    ),
    "a line cut off at the end of a file": Mutant(
        "text/sources.py",
        "    if left or cut:\n",
        "    if left and not cut:\n",
        "tests/text/test_sources.py::test_a_long_line_is_cut_only_between_words",
    ),
    "rare words dropped without a count": Mutant(
        "text/vocabulary.py",
        '"under_min_count": int(counts[(counts < min_count) & ~too_long & ~stays].sum()),',
        '"under_min_count": 0,',
        "tests/text/test_corpus.py::test_every_token_is_kept_or_dropped_for_a_named_cause",
    ),
    "a duplicate word takes the last row": Mutant(
        "formats/rows.py",
        "if word in self._words or word in here:",
        "if word in self._words:",
        "tests/formats/test_formats.py::test_a_warning_says_what_was_read_with_care",
    ),
    "the end of a word is no n-gram": Mutant(
        "functional/hashing.py",
        "whole = ~((n == 1) & (first | (at == ends[of])))",
        "whole = ~((n == 1) & first)",
        "tests/formats/test_formats.py::test_all_hashes_at_once_are_those_of_each_ngram",
    ),
    "bytes are unsigned": Mutant(
        "functional/hashing.py",
        "signed = byte if byte < 128 else byte - 256",
        "signed = byte",
        "tests/formats/test_formats.py::test_hashes_are_fasttexts",
    ),
    "the line end has n-grams": Mutant(
        "functional/hashing.py",
        "if word != END.encode()]",
        "]",
        "tests/formats/test_formats.py::test_fasttext_models_are_read_as_gensim_reads_them",
    ),
    "bytes after the end are ignored": Mutant(
        "formats/binary.py",
        "            _refuse_rest(file, window, end)\n",
        "",
        "tests/formats/test_rules.py::test_a_binary_that_breaks_a_rule",
    ),
    "the sign of -0 is lost": Mutant(
        "formats/lines.py",
        'array = array.replace(b",-0,", b",-0.0,").replace(b",-0,", b",-0.0,")',
        "array = array + b''",
        "tests/formats/test_formats.py::test_what_is_written_is_read_bit_for_bit",
    ),
    "a value too many is a part of the word": Mutant(
        "formats/lines.py",
        "if len(pieces) > 1 and not numeric_pieces:",
        "if False:",
        "tests/formats/test_rules.py::test_a_text_that_breaks_a_rule",
    ),
    "eight digits are enough": Mutant(
        "formats/writing.py",
        '"%.9g"',
        '"%.8g"',
        "tests/formats/test_formats.py::test_what_is_written_is_read_bit_for_bit",
    ),
    "memory for what the header says": Mutant(
        "formats/headers.py",
        "    if least <= follow:\n        return header.rows\n",
        "    if True:\n        return header.rows\n",
        "tests/formats/test_formats.py::test_broken_files_are_refused",
    ),
    "links out of an ELMo file are followed": Mutant(
        "formats/elmo_process.py",
        "if link != h5l.TYPE_HARD:",
        "if False:",
        "tests/formats/test_elmo_rules.py::test_weights_that_are_not_those_of_the_options",
    ),
    "what was never stored is read": Mutant(
        "formats/elmo_process.py",
        "if stored != size:",
        "if stored > size:",
        "tests/formats/test_elmo_rules.py::test_weights_that_are_not_those_of_the_options",
    ),
    "the rest of a short chunk is what memory held": Mutant(
        "formats/elmo_process.py",
        "if plan.get_layout() != h5d.CHUNKED:",
        "if True:",
        "tests/formats/test_elmo_rules.py::test_weights_that_are_not_those_of_the_options",
    ),
    "layers that the options do not speak of are dropped": Mutant(
        "formats/elmo_process.py",
        "if name not in tree:",
        "if False:",
        "tests/formats/test_elmo.py::test_layers_are_neither_dropped_nor_made_up",
    ),
    "True is a size": Mutant(
        "formats/elmo_options.py",
        "return type(value) is int and",
        "return isinstance(value, int) and",
        "tests/formats/test_elmo_options.py::test_options_that_are_not_elmos",
    ),
    "frozen rows are those that were not given": Mutant(
        "starting.py",
        "InOut(1.0 - frozen.astype(np.float32)",
        "InOut(frozen.astype(np.float32)",
        "tests/test_starting.py::test_frozen_rows_keep_the_bits",
    ),
    "an occurrence is like itself": Mutant(
        "evaluation/occurrences.py",
        "(xp.sum(together * together, axis=1) - alone)",
        "xp.sum(together * together, axis=1)",
        "tests/evaluation/test_contextuality.py::test_self_similarity_is_the_mean_over_pairs",
    ),
    "a word is in the sentence it is compared with": Mutant(
        "evaluation/occurrences.py",
        "linalg.unit_rows(whole - vectors if unbiased else whole)",
        "linalg.unit_rows(whole)",
        "tests/evaluation/test_contextuality.py::test_orthogonal_words_are_a_sentence_only_by",
    ),
    "degrees of freedom are not counted": Mutant(
        "evaluation/occurrences.py",
        "share * free",
        "share",
        "tests/evaluation/test_contextuality.py::test_noise_is_all_context_once_degrees",
    ),
    "the baseline has another n": Mutant(
        "evaluation/contextuality.py",
        "explainable_variance_baseline(key, vectors, least, which.draws)",
        "explainable_variance_baseline(key, vectors, 2 * least, which.draws)",
        "tests/evaluation/test_contextuality.py::test_layers_are_described",
    ),
    "a word is its own context": Mutant(
        "evaluation/jacobians.py",
        "jnp.where(jnp.eye(len(norms), dtype=bool), 0.0, norms)",
        "norms",
        "tests/evaluation/test_contextuality.py::test_a_static_map_has_no_share",
    ),
    "ties are decided by rounding": Mutant(
        "evaluation/polysemy.py",
        "np.abs(beyond) <= TIE",
        "np.abs(beyond) < 0.0",
        "tests/evaluation/test_polysemy.py::test_static_vectors_have_exactly_one_half",
    ),
    "a threshold between equal cosines": Mutant(
        "evaluation/polysemy.py",
        "np.diff(cosine) > TIE",
        "np.diff(cosine) > -TIE",
        "tests/evaluation/test_polysemy.py::test_where_all_cosines_are_one",
    ),
    "what is tried was learned from": Mutant(
        "evaluation/pseudo_words.py",
        "drawn[:, per_sense:].ravel()",
        "drawn[:, :per_sense].ravel()",
        "tests/evaluation/test_polysemy.py::test_a_split_is_balanced",
    ),
    "an infinite weight is infinite": Mutant(
        "contextualizers/readings.py",
        "jnp.clip(params.weights, -largest, largest)",
        "params.weights",
        "tests/contextualizers/test_readings.py::test_a_mix_of_all_weight_on_one_layer",
    ),
    "a normal is taken for one of length 1": Mutant(
        "contextualizers/changes.py",
        "along / jnp.where(square > 0, square, 1.0)",
        "along / jnp.where(square > 0, jnp.ones_like(square), 1.0)",
        "tests/contextualizers/test_changes.py::test_a_rotation_is_orthogonal",
    ),
    "a gate that can open twice": Mutant(
        "contextualizers/changes.py",
        "vectors * jax.nn.sigmoid(",
        "vectors * 2.0 * jax.nn.sigmoid(",
        "tests/contextualizers/test_changes.py::test_a_gate_lets_no_entry_grow",
    ),
    "senses are weighed each for itself": Mutant(
        "contextualizers/senses.py",
        "jax.nn.softmax(jnp.sum(params.keys[tokens] * context[:, None, :], axis=2), axis=1)",
        "jax.nn.sigmoid(jnp.sum(params.keys[tokens] * context[:, None, :], axis=2))",
        "tests/contextualizers/test_changes.py::test_sense_weights_lie_on_the_simplex",
    ),
    "a change brings padding to life": Mutant(
        "contextualizers/wrapping.py",
        "change.apply(params.change, vectors, context, tokens) * mask[:, None]",
        "change.apply(params.change, vectors, context, tokens)",
        "tests/laws/test_embedders.py::test_words_become_vectors_and_padding_becomes_zero",
    ),
    "the sign of a component as it falls": Mutant(
        "contextualizers/returning.py",
        "(-row if row @ total < 0 else row), share",
        "row, share",
        "tests/contextualizers/test_returning.py::test_the_component_is_the_direction",
    ),
    "a word that is not read fades, too": Mutant(
        "contextualizers/returning.py",
        "xp.where((counts > 0)[:, None], moved, table).astype",
        "moved.astype",
        "tests/contextualizers/test_returning.py::test_a_faded_row_is_between",
    ),
    "a merged text has its senses turned": Mutant(
        "polysemy_text.py",
        "{number[tokens[token]]}\\t{sense}\\n",
        "{number[tokens[token]]}\\t{1 - sense}\\n",
        "tests/test_polysemy_script.py::test_senses_undo_the_merging",
    ),
    "a sentence is learned from and tried": Mutant(
        "polysemy_text.py",
        "    rows = rows[np.unique(rows[:, 0], return_index=True)[1]]  # of each line the first\n",
        "",
        "tests/test_polysemy_script.py::test_no_test_sentence_was_learned_from",
    ),
    "a sentence that stands twice is learned from and tried": Mutant(
        "polysemy_text.py",
        " and hash(line) not in seen",
        "",
        "tests/test_polysemy_script.py::test_no_test_sentence_was_learned_from",
    ),
    "few seeds are taken for many": Mutant(
        "polysemy_report.py",
        "scipy.stats.t.ppf((1 + intervals.LEVEL) / 2, n - 1)",
        "scipy.stats.norm.ppf((1 + intervals.LEVEL) / 2)",
        "tests/test_polysemy_script.py::test_an_interval_over_seeds_is_students",
    ),
    "senses are told of the wrong occurrences": Mutant(
        "context_ladder.py",
        "(np.cumsum(counts) - counts)[chosen]",
        "np.cumsum(counts)[chosen] - 1",
        "tests/test_context_scripts.py::test_true_senses_stand_at_their_occurrences",
    ),
    "the text to compare on is the one trained on": Mutant(
        "running_words.py",
        'windows.split(len(found), said["seed"], *shares)[0]',
        'windows.split(len(found), said["seed"], *shares)[-1]',
        "tests/test_context_scripts.py::test_the_text_by_default_is_what_the_run_held_out",
    ),
    "vectors beside the words that one does not know": Mutant(
        "running_words.py",
        "np.asarray(vectors)[:, kept[i]]",
        "np.asarray(vectors)[:, : len(kept[i])]",
        "tests/test_context_scripts.py::test_a_run_against_itself_has_cka_1",
    ),
    "skipped noise is not left out of its expectation": Mutant(
        "static/optimum.py",
        "others = jnp.sum(counts, axis=1, keepdims=True) - counts",
        "others = jnp.sum(counts, axis=1, keepdims=True) - 0 * counts",
        "tests/static/test_optimum.py::test_a_block_of_the_objective_has_this_loss_in_expectation",
    ),
    "noise drawn anew weighs what it weighed": Mutant(
        "static/optimum.py",
        "counts / (1.0 - noise)[None, :]",
        "counts / jnp.ones_like(noise)[None, :]",
        "tests/static/test_optimum.py::test_resampled_noise_is_the_noise_of_each_observed_context_"
        "renormalised",
    ),
    "the expected loss of noise has the wrong sign": Mutant(
        "static/optimum.py",
        "noise_counts * losses.softplus(scores)",
        "noise_counts * losses.softplus(-scores)",
        "tests/static/test_optimum.py::test_newton_from_a_random_start_arrives_at_the_optimum",
    ),
    "GloVe's weight has no cap": Mutant(
        "static/glove.py",
        "jnp.minimum(counts / x_max, 1.0) ** power",
        "(counts / x_max) ** power",
        "tests/static/test_glove.py::test_weights_are_the_golden_values",
    ),
    "Stanford's AdaGrad adds before it steps": Mutant(
        "learners.py",
        "step / jnp.sqrt(squares), steps, state), after",
        "step / jnp.sqrt(squares), steps, after), after",
        "tests/static/test_glove.py::test_one_cell_a_step_is_stanfords_program",
    ),
    "the bias of the context is the word's": Mutant(
        "functional/losses.py",
        "outputs[:, -1][None, :] - target[None, :]",
        "hidden[:, -1:] - target[None, :]",
        "tests/static/test_glove.py::test_a_batch_costs_the_sum_of_its_cells",
    ),
    "cells are read as they lie": Mutant(
        "static/shuffling.py",
        "order = _random(seed, epoch, 0, purpose=0).permutation(-(-total // run))",
        "order = np.arange(-(-total // run))",
        "tests/static/test_shuffling.py::test_a_batch_reads_from_many_places",
    ),
    "the noise of the matrix is the corpus": Mutant(
        "theorem.py",
        "np.float64) ** config.noise_power",
        "np.float64) ** 1.0",
        "tests/test_theorem_script.py::test_the_matrix_is_the_logarithm_of_counts_over_noise",
    ),
    "SVD of the whole matrix, not of its positive part": Mutant(
        "theorem.py",
        "positive = pmi.positive(of)",
        "positive = of",
        "tests/test_theorem_script.py::test_factors_of_full_dimension_multiply_to_the_positive_part",
    ),
    "cosines of contexts are not of unit rows": Mutant(
        "theorem.py",
        "unit[left[at]].multiply(unit[right[at]])",
        "rows[left[at]].multiply(rows[right[at]])",
        "tests/test_theorem_script.py::test_harris_ranks_pairs_by_their_rows",
    ),
    "both branches of a tree are called alike": Mutant(
        "static/trees.py",
        "np.array([1, -1], np.int8)",
        "np.array([1, 1], np.int8)",
        "tests/static/test_trees.py::test_no_word_is_the_beginning_of_another",
    ),
    "Huffman joins the larger of two": Mutant(
        "static/trees.py",
        "words[word] <= inner[joined]",
        "words[word] >= inner[joined]",
        "tests/static/test_trees.py::test_huffmans_expected_length_is_the_heaps",
    ),
    "a block takes one center beyond its budget": Mutant(
        "static/segments.py",
        'reads.budget, side="right") - 1',
        'reads.budget, side="right")',
        "tests/static/test_segments.py::test_blocks_of_a_budget_keep_every_pair",
    ),
    "every path takes the other branch": Mutant(
        "static/hierarchical.py",
        "jnp.where(step > 0, jnp.float32(1), jnp.float32(-1))",
        "jnp.where(step > 0, jnp.float32(-1), jnp.float32(1))",
        "tests/static/test_hierarchical.py::test_a_block_costs_the_sum_of_its_pairs",
    ),
    "a text beyond the budget is cut without a word": Mutant(
        "static/hierarchical.py",
        "jnp.where(end[-1] <= budget, jnp.float32(1), jnp.float32(jnp.nan))",
        "1.0",
        "tests/static/test_hierarchical.py::test_a_text_that_exceeds_the_budget",
    ),
    "NCE forgets its k": Mutant(
        "static/softmaxes.py",
        "expected = negatives * noise.probability",
        "expected = noise.probability",
        "tests/static/test_softmaxes.py::test_nce_lowers_every_score",
    ),
    "softmax is normalised over centers": Mutant(
        "functional/losses.py",
        "jax.nn.logsumexp(scores, axis=1, keepdims=True)",
        "jax.nn.logsumexp(scores, axis=0, keepdims=True)",
        "tests/static/test_softmaxes.py::test_a_block_of_softmax_costs",
    ),
    "held-out pairs are counted in one direction": Mutant(
        "comparison.py",
        "found[cells.rows, cells.columns] = cells.values",
        "found[cells.rows, cells.columns] = cells.values * (cells.rows <= cells.columns)",
        "tests/test_comparison.py::test_pairs_are_those_of_the_windows",
    ),
    "GloVe goes on from the beginning of a segment": Mutant(
        "glove_training.py",
        "first=0 if chunk.ends_segment else chunk.first + chunk.real",
        "first=0",
        "tests/test_glove_training.py::test_an_interrupted_training_goes_on_to_the_same_bits",
    ),
    "GloVe's vectors still hold their biases": Mutant(
        "static/glove.py",
        "return table[:, :-1]",
        "return table",
        "tests/static/test_glove.py::test_at_full_rank_products_and_biases_become_the_logarithms_"
        "of_counts",
    ),
    "a sum for all travels once": Mutant(
        "planning.py",
        '(1 + (each.kind == "all-reduce")) * each.bytes',
        "each.bytes",
        "tests/test_planning.py::test_cut_by_dim_a_token_sends_its_scores",
    ),
    "ids that travel once are counted twice": Mutant(
        "planning.py",
        "if mesh.data > 1:",
        "if mesh.data > 0:",
        "tests/test_planning.py::test_what_is_planned_to_travel_is_what_the_compiled_step_sends",
    ),
    "every device of a host has its whole network": Mutant(
        "planning.py",
        "/ near / machine.between",
        "/ machine.between",
        "tests/test_planning.py::test_bytes_go_over_the_link_within_a_host",
    ),
    "summing repeats is planned as free": Mutant(
        "planning.py",
        "BOUNDED = 9",
        "BOUNDED = 0",
        "tests/test_planning.py::test_a_device_reads_and_writes_the_bytes_that_xla_counts",
    ),
    "what is summed is planned to take no room": Mutant(
        "planning.py",
        "arrays = 1 + job.bounded",
        "arrays = 1",
        "tests/test_planning.py::test_a_step_needs_the_memory_that_xla_sets_aside",
    ),
    "a commit does not force its files to disk": Mutant(
        "checkpoints.py",
        "            disk.sync(path)\n",
        "",
        "tests/test_checkpoints.py::test_every_state_a_crash_can_leave",
    ),
    "a checkpoint is written under its own name": Mutant(
        "checkpoints.py",
        'UNFINISHED, OLD, BAD = "unfinished-", "old-", "bad-"',
        'UNFINISHED, OLD, BAD = "step-", "old-", "bad-"',
        "tests/test_checkpoints.py::test_every_state_a_crash_can_leave",
    ),
    "digests are not looked at": Mutant(
        "checkpoints.py",
        "        if got != wanted:\n            found",
        "        if not got:\n            found",
        "tests/test_checkpoints.py::test_every_flipped_bit",
    ),
    "old checkpoints go before the new one has its name": Mutant(
        "checkpoints.py",
        "        disk.rename(unfinished, final)\n",
        "        _retire(place, final)\n        disk.rename(unfinished, final)\n",
        "tests/test_checkpoints.py::test_every_state_a_crash_can_leave",
    ),
    "NaN in an optimizer's state is saved": Mutant(
        "durable.py",
        "return not self._refuses(event) and bool(learners.all_finite(self.state))",
        "return not self._refuses(event)",
        "tests/test_durable.py::test_a_number_that_spoils_the_state",
    ),
    "good updates do not end a row of refused ones": Mutant(
        "learners.py",
        "(state.refused.in_a_row + bad) * bad",
        "state.refused.in_a_row + bad",
        "tests/test_durable.py::test_single_steps_that_fail",
    ),
    "what was refused once is forgotten": Mutant(
        "learners.py",
        "state.refused.in_all + bad",
        "bad",
        "tests/test_durable.py::test_single_steps_that_fail",
    ),
    "two trainings share a folder": Mutant(
        "preparation.py",
        "fcntl.LOCK_EX",
        "fcntl.LOCK_SH",
        "tests/test_durable.py::test_of_two_trainings",
    ),
    "a second signal waits for the first": Mutant(
        "progress.py",
        "            if asked > 1:\n",
        "            if asked > 2:\n",
        "tests/test_durable.py::test_a_second_signal",
    ),
    "one process is stopped and the others go on": Mutant(
        "hosts.py",
        "stop = stop or bool(first() and _job.client.key_value_dir_get(name))",
        "stop = bool(stop)",
        "tests/test_hosts.py::test_what_any_process_is_asked_to_stop",
    ),
    "a process with another config joins": Mutant(
        "hosts.py",
        "identity.differences(told(now), now)",
        "identity.differences(told(now) and now, now)",
        "tests/test_hosts.py::test_another_config_and_a_folder",
    ),
    "all is told for ever": Mutant(
        "hosts.py",
        "if _job.asked[0] > _BEHIND:",
        "if _job.asked[0] < 0:",
        "tests/test_hosts.py::test_what_the_first_process_says",
    ),
    "an abort says nothing": Mutant(
        "lost.py",
        "of_c(int(signal.SIGABRT)",
        "of_c(int(signal.SIGUSR1)",
        "tests/test_hosts.py::test_an_abort_ends_with_one_line",
    ),
    "a chunk may hang": Mutant(
        "lost.py",
        "time.monotonic() - last > seconds",
        "time.monotonic() - last > 1e3 * seconds",
        "tests/test_hosts.py::test_a_chunk_that_never_ends",
    ),
    "a line end of Unicode ends a word of a list": Mutant(
        "text/word_lists.py",
        "line in data.removeprefix(BOM).removesuffix(end).split(end)]",
        "line in (each.encode() for each in data.decode('utf-8-sig').splitlines())]",
        "tests/text/test_word_lists.py::test_a_list_is_its_words_however_it_was_written",
    ),
    "a byte-order mark is part of a list": Mutant(
        "text/word_lists.py",
        "data.removeprefix(BOM).removesuffix(end)",
        "data.removesuffix(end)",
        "tests/text/test_word_lists.py::test_the_words_of_rows_stand_in_such_a_list",
    ),
    "a missing word is not named": Mutant(
        "text/word_lists.py",
        "    if missing:\n        share",
        "    if False:\n        share",
        "tests/text/test_word_lists.py::test_every_word_is_found_or_named",
    ),
    "any first row without a number is a header": Mutant(
        "evaluation/tabular.py",
        'return field.lstrip("(")[:1].isalpha() and field.lower() not in _MISSING',
        "return number(field) is None",
        "tests/evaluation/test_reading.py::test_no_row_is_dropped_or_read_as_another_number",
    ),
    "an index is a word": Mutant(
        "evaluation/tabular.py",
        "first = int(_has_index(found[0].fields, body) if found[1:] else _counts(body))",
        "first = 0",
        "tests/evaluation/test_reading.py::test_what_pandas_writes_are_the_pairs",
    ),
    "a row may have a field too many": Mutant(
        "evaluation/reading.py",
        "if size < wanted or any(row.fields[wanted:]):",
        "if size < wanted:",
        "tests/evaluation/test_reading.py::test_fields_that_are_shifted",
    ),
    "a tab is written into a text": Mutant(
        "formats/unwritable.py",
        'or ("it holds a tab" if "\\t" in word else "")',
        'or ""',
        "tests/formats/test_writing.py::test_a_word_is_read_as_it_was_written_or_is_refused",
    ),
    "two words are renamed to one": Mutant(
        "formats/unwritable.py",
        "    while new in taken:",
        "    while False:",
        "tests/formats/test_writing.py::test_renamed_words_that_would_be_one_word",
    ),
    "a named format is guessed": Mutant(
        "formats/__init__.py",
        "    try:\n        return FORMATS[name]",
        "    if path.is_file():\n        recognition.check(path)\n"
        "    try:\n        return FORMATS[name]",
        "tests/formats/test_arguments.py::test_what_a_named_format_reads",
    ),
    "a row is told by its first word": Mutant(
        "formats/recognition.py",
        "if _is_safetensors(data) or _begins_with_row(data):",
        "if _is_safetensors(data):",
        "tests/formats/test_arguments.py::test_a_row_may_begin_with_any_word",
    ),
    "half a model is read as one of two directions": Mutant(
        "formats/elmo_options.py",
        'root.choice("bidirectional", (True,))',
        'root.choice("bidirectional", (True, False))',
        "tests/formats/test_elmo_options.py::test_options_that_are_not_elmos",
    ),
    "jax gets the byte order of a file": Mutant(
        "formats/arrays.py",
        'return table.astype(table.dtype.newbyteorder("="), copy=False)',
        "return table",
        "tests/formats/test_arguments.py::test_every_byte_order_of_a_table_is_one_table_to_jax",
    ),
    "numpy warns of what a file holds": Mutant(
        "formats/binary.py",
        'with np.errstate(all="ignore"):',
        'with np.errstate(all="warn"):',
        "tests/formats/test_arguments.py::test_no_reader_leaks_a_warning_of_numpys",
    ),
    "a path is a text": Mutant(
        "text/__init__.py",
        "if isinstance(sentences, os.PathLike) or not isinstance(sentences, Iterable):",
        "if False:",
        "tests/formats/test_arguments.py::test_a_wrong_argument_is_said_in_one_line",
    ),
    "a step is as large on any text": Mutant(
        "static/steps.py",
        "fewer = max(int(batch * SAFE / of(batch).excess) // multiple, 1) * multiple",
        "fewer = batch",
        "tests/laws/test_steps.py::test_skipgram_of_any_text",
    ),
    "nothing bounds what a small step adds": Mutant(
        "static/steps.py",
        "return Step(fewer, CAP, of(fewer), said)",
        "return Step(fewer, None, of(fewer), said)",
        "tests/laws/test_steps.py::test_a_step_is_a_multiple",
    ),
    "every text takes small steps": Mutant(
        "static/steps.py",
        "of(batch).excess <= 1:",
        "of(batch).excess <= 0:",
        "tests/laws/test_steps.py::test_a_text_of_many_words",
    ),
    "an objective does not say how often words repeat": Mutant(
        "static/objectives.py",
        "return (updates * shares,)",
        "return (0 * updates * shares,)",
        "tests/laws/test_steps.py::test_every_objective",
    ),
    "the nodes of a tree are no load": Mutant(
        "static/hierarchical.py",
        "0.5 * pairs * beneath",
        "0.0 * pairs * beneath",
        "tests/laws/test_steps.py::test_the_load_of_a_row",
    ),
    "integers are rounded as float32 is": Mutant(
        "linalg/arrays.py",
        "if is_floating(dtype) else 0.0",
        "if is_floating(dtype) else 2.0**-24",
        "tests/linalg/test_whole.py::test_small_whole_numbers_are_decided",
    ),
    "a small value of whole numbers is zero": Mutant(
        "linalg/ranks.py",
        "xp.where(exact, r == of.proven, dropped + error <= tolerance)",
        "(dropped + error <= tolerance)",
        "tests/linalg/test_whole.py::test_of_many_tables",
    ),
    "a device wraps whole numbers": Mutant(
        "linalg/arrays.py",
        "if wide else array",
        "if False else array",
        "tests/linalg/test_whole.py::test_a_device_does_not_wrap",
    ),
    "one prime proves a rank": Mutant(
        "linalg/whole.py",
        "for prime in _primes(number)",
        "for prime in _primes(1)",
        "tests/linalg/test_whole.py::test_a_proof_modulo_primes",
    ),
    "a storage type beside a spectrum is ignored": Mutant(
        "linalg/ranks.py",
        "isinstance(table, Spectrum) and storage_dtype is not None",
        "False",
        "tests/linalg/test_refusals.py::test_a_storage_type_beside_a_spectrum",
    ),
    "a quantised type is a storage type": Mutant(
        "linalg/arrays.py",
        "if not is_floating(found):",
        "if False:",
        "tests/linalg/test_refusals.py::test_a_storage_type_is_a_floating_point_type",
    ),
    "columns are taken as they are": Mutant(
        "linalg/subspaces.py",
        "return _Span(xp.where(told, q, xp.nan), r,",
        "return _Span(columns, r,",
        "tests/linalg/test_spans.py::test_angles_of_any_independent_columns",
    ),
    "dependent columns span as much as others": Mutant(
        "linalg/subspaces.py",
        "told = values[-1] > 4 * unit * k**0.5",
        "told = values[-1] >= 0",
        "tests/linalg/test_spans.py::test_dependent_columns_span_less",
    ),
    "a product of row counts in int32": Mutant(
        "linalg/comparing.py",
        "m = float(left.shape[0])",
        "m = left.shape[0]",
        "tests/linalg/test_precision.py::test_no_product_of_sizes",
    ),
    "unbiased CKA keeps one diagonal": Mutant(
        "linalg/comparing.py",
        "xp.sum(own_left * own_right)",
        "xp.sum(own_left * own_left)",
        "tests/linalg/test_spans.py::test_unbiased_cka_of_two_different_tables",
    ),
    "unbiased CKA of three rows": Mutant(
        "linalg/comparing.py",
        "left.shape[0] < 4",
        "left.shape[0] < 3",
        "tests/linalg/test_spans.py::test_unbiased_cka_wants_four_rows",
    ),
    "the narrowest of the bounds": Mutant(
        "linalg/bounds.py",
        "float(np.max((upper - self.lower)",
        "float(np.min((upper - self.lower)",
        "tests/linalg/test_truncated.py::test_the_width",
    ),
    "any tolerance is taken": Mutant(
        "linalg/arrays.py",
        "good = jnp.isfinite(given) & ((given >= 0) if zero else (given > 0))",
        "good = given == given",
        "tests/linalg/test_refusals.py::test_under_a_trace_nothing_passes",
    ),
    "IsoScore of equal rows is below 0": Mutant(
        "linalg/shape.py",
        "xp.where(varies & (ratio > 1), (ratio",
        "xp.where(ratio == ratio, (ratio",
        "tests/linalg/test_refusals.py::test_isoscore_is_0",
    ),
    "a rank report is true": Mutant(
        "linalg/ranks.py",
        '__bool__ = arrays.no_truth("certified", "rank == ...")',
        "__bool__ = lambda self: bool(self.certified)",
        "tests/linalg/test_refusals.py::test_a_report_of_more_has_no_truth_value",
    ),
    "whole counts wrap": Mutant(
        "static/optimum.py",
        "None if floating else jnp.result_type(float)",
        "None",
        "tests/static/test_optimum.py::test_counts_that_are_whole_numbers",
    ),
    "equal vectors have a distance, and a gradient of NaN": Mutant(
        "functional/ratios.py",
        "return xp.where(zero, 0.0, xp.sqrt(xp.where(zero, 1.0, x)))",
        "return xp.sqrt(x)",
        "tests/laws/test_gradients.py::test_equal_vectors_do_not_pull",
    ),
    "padding is pulled": Mutant(
        "functional/ratios.py",
        "return xp.where(zero, 0.0, x / xp.where(zero, 1.0, y))",
        "return x / xp.where(zero, 1.0, y)",
        "tests/laws/test_gradients.py::test_a_row_of_zeros_receives_no_gradient",
    ),
    "singular values change as the wrong vectors say": Mutant(
        "linalg/derivatives.py",
        "total(jnp.sum(left * change, axis=0))",
        "total(jnp.sum(along * change, axis=0))",
        "tests/linalg/test_derivatives.py::test_the_gradient_of_the_sum_of_equal_values",
    ),
    "a basis does not turn when its table changes": Mutant(
        "linalg/derivatives.py",
        "jnp.where(apart, ratio(mixed + mixed.T, low * high), 0.0)",
        "0.0 * mixed",
        "tests/linalg/test_derivatives.py::test_values_and_spaces_have_the_derivatives",
    ),
    "a whitening forgets the values that repeat": Mutant(
        "linalg/changes.py",
        "jnp.where(both, -share,",
        "jnp.where(both & (apart > 1e-5), -share,",
        "tests/linalg/test_derivatives.py::test_a_whitening_of_equal_values",
    ),
    "axes stay Explicit while a table is measured": Mutant(
        "functional/meshes.py",
        "if kind == AxisType.Explicit]",
        "if kind == AxisType.Manual]",
        "tests/laws/test_meshes.py::test_what_has_a_row_for_each_row_stays_cut",
    ),
    "no answer has the score of minus infinity": Mutant(
        "evaluation/searching.py",
        "NOTHING = np.finfo(np.float32).min",
        "NOTHING = -np.float32(np.inf)",
        "tests/laws/test_debugging.py::test_no_alarm_rings_in_a_search",
    ),
    "an assertion under jit is refused in JAX's words": Mutant(
        "linalg/checks.py",
        "if _is_taken_out() else ok",
        "if False else ok",
        "tests/linalg/test_assertions.py::test_where_nothing_would_report_it",
    ),
    "under checkify the fields are dumped": Mutant(
        "linalg/checks.py",
        "found=found)",
        "found=found._asdict())",
        "tests/linalg/test_assertions.py::test_checkify_says_the_sentence",
    ),
    "random bits are as wide as JAX's default": Mutant(
        "training.py",
        "jax.random.bits(jax.random.fold_in(key, i), shape, jnp.uint32)",
        "jax.random.bits(jax.random.fold_in(key, i), shape)",
        "tests/test_x64.py::test_no_draw_leaves_its_type_to_a_flag",
    ),
    "Adam's own numbers are as wide as JAX's default": Mutant(
        "optimizers.py",
        "jax.enable_x64(any(leaf.dtype.itemsize > 4 for leaf in jax.tree.leaves(tree)))",
        "jax.enable_x64(jax.config.read('jax_enable_x64'))",
        "tests/test_x64.py::test_every_training_leaves_the_same_bits",
    ),
    "the signs of noise and words are as wide as JAX's default": Mutant(
        "static/blocks.py",
        "jnp.concatenate([jnp.ones(observed, jnp.float32), -jnp.ones(noise, jnp.float32)])",
        "jnp.concatenate([jnp.ones(observed), -jnp.ones(noise)])",
        "tests/test_x64.py::test_no_real_number_of_a_step_is_wider_than_the_tables",
    ),
    "a bound of the rank is as wide as JAX's default": Mutant(
        "linalg/ranks.py",
        "xp.eye(len(whole), dtype=whole.dtype)",
        "xp.eye(len(whole))",
        "tests/test_x64.py::test_a_float32_table_is_judged_alike",
    ),
    "an array is given away twice": Mutant(
        "optimizers.py",
        "if seen & buffers:",
        "if False:",
        "tests/laws/test_learners.py::test_a_state_can_be_given_away_whatever_it_shares",
    ),
    "momentum is taken row by row": Mutant(
        "optimizers.py",
        "if not found.rests:",
        "if False:",
        "tests/laws/test_learners.py::test_row_sparse_refuses_what_is_not_done_row_by_row",
    ),
    "weight decay moves frozen rows": Mutant(
        "learners.py",
        "update = jax.tree.map(_masked, update, trainable)",
        "pass",
        "tests/laws/test_learners.py::test_weight_decay_leaves_frozen_rows_alone",
    ),
    "gradients of a language model are not clipped": Mutant(
        "optimizers.py",
        "return optax.chain(optax.clip_by_global_norm(clip), made)",
        "return made",
        "tests/test_called.py::test_the_clip_is_no_constant_of_the_optimizer",
    ),
    "an optimizer of a rate and a clip is taken": Mutant(
        "errors.py",
        "            taken.bind(*arguments)\n",
        "            taken.bind_partial()\n",
        "tests/test_called.py::test_an_optimizer_of_a_rate_and_a_clip_is_refused",
    ),
    "what one device sends to itself counts": Mutant(
        "collectives.py",
        "if together(how) == 1:",
        "if together(how) == 0:",
        "tests/test_sharding.py::test_who_sends_to_whom",
    ),
    "groups of a mesh's axes are not read": Mutant(
        "collectives.py",
        "if of_mesh := _OF_MESH.search(how):",
        "if (of_mesh := _OF_MESH.search(how)) and not how:",
        "tests/test_sharding.py::test_who_sends_to_whom",
    ),
    "one device gathers from itself": Mutant(
        "sharded_training.py",
        "if sharding.size(on.mesh, on.of_batch) == 1:",
        "if sharding.size(on.mesh, on.of_batch) == 0:",
        "tests/test_planning.py::test_no_more_travels",
    ),
    "without JAX's store nobody hears who asks": Mutant(
        "store.py",
        "self._asked = self._asked or bool(heads[:, 1].any())",
        "self._asked = False",
        "tests/test_hosts.py::test_without_jaxs_store",
    ),
    "JAX's internals are where they were": Mutant(
        "store.py",
        "except (ImportError, AttributeError):",
        "except ZeroDivisionError:",
        "tests/test_hosts.py::test_where_jax_has_its_store",
    ),
    "--help prints a comment": Mutant(
        "config.py",
        '    """Several processes, each started with the same command but for its number."""\n',
        "",
        "tests/test_help.py::test_no_comment_of_the_code_is_printed_for_a_config",
    ),
    "a participation ratio of squares that float32 does not have": Mutant(
        "linalg/shape.py",
        "    rows, _ = scaled(Rows(arrays.table(of)))\n    matrix",
        "    rows = Rows(arrays.table(of))\n    matrix",
        "tests/linalg/test_measures.py::a_measure_of_shape_does_not_notice_the_scale",
    ),
    "a dependence of squares that float32 does not have": Mutant(
        "linalg/dependence.py",
        "    rows, _ = of_unit_size(rows)\n",
        "",
        "tests/linalg/test_measures.py::a_measure_of_shape_does_not_notice_the_scale",
    ),
}


def survives(mutant: Mutant) -> bool:
    """Whether the law passes in spite of the fault."""
    with tempfile.TemporaryDirectory() as place:
        copy = Path(place)
        for name in ("jaxemb", "tests", "scripts", "configs"):
            skipped = shutil.ignore_patterns("__pycache__")
            shutil.copytree(ROOT / name, copy / name, ignore=skipped)
        shutil.copy(ROOT / "pyproject.toml", copy)
        file = copy / "jaxemb" / mutant.file
        text = file.read_text("utf-8")
        assert text.count(mutant.old) >= 1, f"{mutant.file} has no {mutant.old!r}: mend the mutant"
        file.write_text(text.replace(mutant.old, mutant.new), "utf-8")
        path, law = mutant.law.split("::")
        command = [sys.executable, "-m", "pytest", "-x", path, "-k", law, "-p", "no:cacheprovider"]
        environment = {"PYTHONPATH": str(copy), "PATH": "/usr/bin:/bin", "JAX_PLATFORMS": "cpu"}
        done = subprocess.run(
            command, cwd=copy, env=environment, capture_output=True, text=True, check=False
        )
        assert done.returncode in (0, 1), done.stdout + done.stderr  # the law was found and ran
        return done.returncode == 0


def main() -> None:
    chosen = sys.argv[1:] or list(MUTANTS)
    alive = []
    for name in chosen:
        mutant = MUTANTS[name]
        if survives(mutant):
            alive.append(name)
        print(f"{'SURVIVES' if name in alive else 'caught  '} {name}: {mutant.law}", flush=True)
    print(f"{len(chosen) - len(alive)} of {len(chosen)} caught")
    raise SystemExit(1 if alive else 0)


if __name__ == "__main__":
    main()
