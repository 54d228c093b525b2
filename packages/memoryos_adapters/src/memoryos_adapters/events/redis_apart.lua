-- What is done to receipts alone (KEYS: receipt, index): where they are on other servers than the stream, or by hand.

-- claim event_id content pages patience_ms -> outcome
function commands.claim(event_id, content, pages, patience_ms)
  local outcome = look_up(KEYS[1], content, tonumber(patience_ms))
  if outcome == 'new' then claim(KEYS[1], KEYS[2], event_id, content, pages) end
  return outcome
end

-- unclaim event_id
function commands.unclaim(event_id)
  if not redis.call('HGET', KEYS[1], 'state') then forget_receipt(KEYS[1], KEYS[2], event_id) end
end

-- confirm handle
function commands.confirm(handle) confirm(KEYS[1], handle) end

-- lose handle
function commands.lose(handle) lose(KEYS[1], handle) end

-- note state attempts error content pages handle event_id keep_ms -> whether the receipt knows
function commands.note(state, attempts, error, content, pages, ...)
  local fact = fact_of(...)
  fact.state, fact.attempts, fact.error, fact.content, fact.pages = state, attempts, error, content, pages
  return note(KEYS[1], KEYS[2], fact) and 1 or 0
end

-- unbind source
function commands.unbind(source) unbind(KEYS[1], source) end

-- note_replay handle
function commands.note_replay(handle) note_replay(KEYS[1], handle) end

-- expire event_id handle keep_ms : what was known of an entry that is dead, and whose letter was dropped
function commands.expire(event_id, handle, keep_ms)
  local known = redis.call('HMGET', KEYS[1], 'state', 'entry')
  if known[1] == 'dead' and (known[2] or handle) == handle then expire(KEYS[1], KEYS[2], event_id, keep_ms) end
end

-- forget_receipt event_id -> how many there were
function commands.forget_receipt(event_id) return forget_receipt(KEYS[1], KEYS[2], event_id) end

-- purge event_id before_ms -> 1 when the receipt was that of an event stored before, and is gone
function commands.purge(event_id, before_ms)
  local known = redis.call('HMGET', KEYS[1], 'state', 'settled_at')
  if known[1] ~= 'stored' or tonumber(known[2]) >= tonumber(before_ms) then return 0 end
  return forget_receipt(KEYS[1], KEYS[2], event_id)
end

return commands[ARGV[1]](unpack(ARGV, 2))
