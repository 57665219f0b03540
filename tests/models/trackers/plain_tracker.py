"""Eqs. 15-17 of STMask in loops."""

import math


def on(mask) -> set:
    return {k for k, value in enumerate(mask.flatten().tolist()) if value > 0.5}


def plain_track(frame, tracks, next_id, frame_id, retain, limits):
    """One frame of eqs. 15-17 in loops, one rival dropped after the other.

    Nothing is forgotten: tracks unseen for too long are neither matched nor reported.
    Returns the expected rows [(id, mask, score)] and next_id; tracks is updated.
    """
    names = sorted(k for k, t in tracks.items() if frame_id - t['seen'] <= retain)
    claims, pixels = [], {name: on(tracks[name]['mask']) for name in names}
    for i in range(len(frame)):
        best, winner = 0.3, None
        e, a = frame.embeddings[i].tolist(), on(frame.masks[i])
        for name in names:
            f, b = tracks[name]['embedding'].tolist(), pixels[name]
            value = sum(p * q for p, q in zip(e, f, strict=True))
            value /= math.hypot(*e) * math.hypot(*f)
            value += len(a & b) / len(a | b) if a | b else 0
            if value > best:
                best, winner = value, name
        claims.append((best, winner))
    rows, got = [], {}
    for i, (value, name) in enumerate(claims):
        if name is not None and value < max(v for v, k in claims if k == name):
            continue
        if name is None:
            name, next_id = next_id, next_id + 1
        got[name] = i
        rows.append((name, frame.masks[i], float(frame.scores[i])))
    for name in names:
        track = tracks[name]
        age = frame_id - track['seen']
        score = track['score'] * limits['score_decay'] ** age
        if (
            name not in got
            and age <= limits['num_frames']
            and len(pixels[name]) >= limits['min_mask_area']
            and score > limits['min_score']
        ):
            rows.append((name, track['mask'], score))
    for name, i in got.items():
        tracks[name] = dict(
            embedding=frame.embeddings[i],
            mask=frame.masks[i],
            score=float(frame.scores[i]),
            seen=frame_id,
        )
    return rows, next_id
