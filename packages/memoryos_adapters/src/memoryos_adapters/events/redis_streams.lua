-- What the event log does atomically. ARGV[1] names the command. KEYS: of a partition its stream, dead letters, the due
-- times and the attempts of its left entries; then, where one server holds everything, a receipt and its scope's index.

local STREAM, LETTERS, DUE, ATTEMPTS, RECEIPT, INDEX = KEYS[1], KEYS[2], KEYS[3], KEYS[4], KEYS[5], KEYS[6]
local MOST_BYTES = 4 * 2 ^ 20  -- of entries that a call reads; it reads one at least, and there are some of 20 MB
local commands = {}

local function named(flat)
  local values = {}
  for i = 1, #flat, 2 do values[flat[i]] = flat[i + 1] end
  return values
end

local function groups_of(stream)
  local answer, groups = redis.pcall('XINFO', 'GROUPS', stream), {}
  for i, flat in ipairs(answer) do groups[i] = named(flat) end  -- an error (no stream yet) has no elements
  return groups
end

local function size_of(fields)
  local bytes = 0
  for _, part in ipairs(fields) do bytes = bytes + #part end
  return bytes
end

local function is_pending(group, consumer, id)
  return redis.pcall('XPENDING', STREAM, group, id, id, 1, consumer)[1] ~= nil  -- an error (no group) has no elements
end

-- A consumer holds what was handed to it and what it has not left.
local function is_held(group, consumer, id)
  return not redis.call('ZSCORE', DUE, id) and is_pending(group, consumer, id)
end

-- End an entry for our group, and remove it when there is no other; return how many tries it took.
local function finish(group, id)
  local attempts = tonumber(redis.call('HGET', ATTEMPTS, id) or 0) + 1
  redis.call('XACK', STREAM, group, id)
  if #groups_of(STREAM) == 1 then redis.call('XDEL', STREAM, id) end
  redis.call('HDEL', ATTEMPTS, id)
  return attempts
end

-- Return {attempts, whether the receipt knows, why it cannot}: what has ended has, even if a person has put something
-- else in the receipt's place. Without a receipt among the keys it is noted in a call of its own.
local function tell(fact)
  if not RECEIPT then return {fact.attempts, 1, ''} end
  local is_done, known = pcall(note, RECEIPT, INDEX, fact)
  if not is_done then return {fact.attempts, 1, type(known) == 'table' and known.err or known} end
  return {fact.attempts, known and 1 or 0, ''}
end

local function fact_of(handle, event_id, keep_ms)
  return {handle = handle, event_id = event_id, keep_ms = keep_ms, content = '', pages = 0, error = ''}
end

-- publish event_id payload content pages max_queue suffix patience_ms -> outcome, 'full'
function commands.publish(event_id, payload, content, pages, max_queue, suffix, patience_ms)
  local outcome = look_up(RECEIPT, content, tonumber(patience_ms))
  if outcome ~= 'new' then return outcome end
  if redis.call('XLEN', STREAM) >= tonumber(max_queue) then return 'full' end
  claim(RECEIPT, INDEX, event_id, content, pages)
  local id = redis.call('XADD', STREAM, '*', 'event_id', event_id, 'payload', payload)
  confirm(RECEIPT, id .. suffix)
  return outcome
end

-- append event_id payload max_queue -> id, or false when the queue is full
function commands.append(event_id, payload, max_queue)
  if redis.call('XLEN', STREAM) >= tonumber(max_queue) then return false end
  return redis.call('XADD', STREAM, '*', 'event_id', event_id, 'payload', payload)
end

-- has id -> whether the stream holds this entry
function commands.has(id) return #redis.call('XRANGE', STREAM, id, id) end

-- ack group consumer id handle event_id keep_ms -> {attempts, known, failure}, false when it is not held
function commands.ack(group, consumer, id, ...)
  if not is_held(group, consumer, id) then return false end
  local fact = fact_of(...)
  fact.state, fact.attempts = 'stored', finish(group, id)
  return tell(fact)
end

-- leave group consumer id rest_ms attempted error handle event_id keep_ms -> {attempts, known, failure}, false
function commands.leave(group, consumer, id, rest_ms, attempted, error, ...)
  if not is_held(group, consumer, id) then return false end
  local fact = fact_of(...)
  fact.state, fact.error, fact.attempts = 'queued', error, redis.call('HINCRBY', ATTEMPTS, id, attempted)
  redis.call('ZADD', DUE, now_ms() + rest_ms, id)
  return tell(fact)
end

-- bury group consumer id error handle event_id keep_ms field value ... -> {attempts, known, failure}, false
function commands.bury(group, consumer, id, error, handle, event_id, keep_ms, ...)
  if not is_held(group, consumer, id) then return false end
  local fact = fact_of(handle, event_id, keep_ms)
  fact.state, fact.error, fact.attempts = 'dead', error, finish(group, id)
  redis.call('XADD', LETTERS, '*', 'attempts', fact.attempts, ...)
  return tell(fact)
end

-- replay letter suffix field value ... -> id of the new entry, false when there is no such letter
function commands.replay(letter, suffix, ...)
  if redis.call('XDEL', LETTERS, letter) == 0 then return false end
  local id = redis.call('XADD', STREAM, '*', ...)
  if RECEIPT then note_replay(RECEIPT, id .. suffix) end
  return id
end

-- drop letter -> {source_id, event_id, tenant_id, user_id} of the dead letter that is gone now, false when none was there
function commands.drop(letter)
  local entry = redis.call('XRANGE', LETTERS, letter, letter)[1]
  if not entry then return false end
  redis.call('XDEL', LETTERS, letter)
  local fields = named(entry[2])
  return {fields.source_id or '', fields.event_id or '', fields.tenant_id or '', fields.user_id or ''}
end

-- forget id letter event_id -> how much there was; '' for what is not known
function commands.forget(id, letter, event_id)
  local found = 0
  if id ~= '' then
    for _, group in ipairs(groups_of(STREAM)) do redis.call('XACK', STREAM, group.name, id) end
    found = redis.call('XDEL', STREAM, id)
    redis.call('ZREM', DUE, id)
    redis.call('HDEL', ATTEMPTS, id)
  end
  if letter ~= '' then found = found + redis.call('XDEL', LETTERS, letter) end
  if RECEIPT then found = found + forget_receipt(RECEIPT, INDEX, event_id) end
  return found
end

-- hold group consumer id -> how many tries it will have taken, false when it is not held
function commands.hold(group, consumer, id)
  return is_held(group, consumer, id) and tonumber(redis.call('HGET', ATTEMPTS, id) or 0) + 1
end

-- state group id -> {whether some consumer holds it, attempts}
function commands.state(group, id)
  local is_pending = redis.pcall('XPENDING', STREAM, group, id, id, 1)[1] ~= nil
  local is_in_hand = is_pending and not redis.call('ZSCORE', DUE, id)
  return {is_in_hand and 1 or 0, tonumber(redis.call('HGET', ATTEMPTS, id) or 0)}
end

-- adopt group consumer (owner id min_idle_ms attempt) ... -> {{id, fields, attempts}, ...}
-- Take entries of other consumers, or lost ones of our own, that do not rest and that nobody has touched meanwhile;
-- not all of them when they are large.
function commands.adopt(group, consumer, ...)
  local wanted, taken, bytes = {...}, {}, 0
  for i = 1, #wanted, 4 do
    local owner, id, idle_ms, attempt = wanted[i], wanted[i + 1], wanted[i + 2], wanted[i + 3]
    if bytes >= MOST_BYTES then break end
    if is_held(group, owner, id) then
      local entry = redis.call('XCLAIM', STREAM, group, consumer, idle_ms, id)[1]
      if entry then
        bytes = bytes + size_of(entry[2])
        taken[#taken + 1] = {id, entry[2], redis.call('HINCRBY', ATTEMPTS, id, attempt)}
      elseif #redis.call('XRANGE', STREAM, id, id) == 0 then  -- somebody deleted it
        redis.call('XACK', STREAM, group, id)
        redis.call('HDEL', ATTEMPTS, id)
      end
    end
  end
  return taken
end

-- keep group consumer id ... : what a living consumer has in hand counts as touched
function commands.keep(group, consumer, ...)
  for _, id in ipairs({...}) do
    if is_held(group, consumer, id) then redis.call('XCLAIM', STREAM, group, consumer, 0, id, 'JUSTID') end
  end
end

local function read_new(stream, group, consumer)
  local function read()
    return redis.pcall('XREADGROUP', 'GROUP', group, consumer, 'COUNT', 1, 'STREAMS', stream, '>')
  end
  local answer = read()
  if answer and answer.err then
    redis.call('XGROUP', 'CREATE', stream, group, '0', 'MKSTREAM')  -- from 0: what came before the first consumer
    answer = read()
  end
  return answer and answer[1] and answer[1][2][1]
end

-- take group consumer limit -> {ms until the next left entry is due (-1: none), {partition, id, fields, attempts}, ...}
-- Of each partition (four keys): first what was left and is due, then what is new; one by one, as they may be large.
function commands.take(group, consumer, limit)
  local now, taken, next_due, room, bytes = now_ms(), {}, nil, tonumber(limit), 0
  local function has_room() return room > 0 and bytes < MOST_BYTES end
  for at = 1, #KEYS, 4 do
    if not has_room() then break end
    local stream, due, attempts = KEYS[at], KEYS[at + 2], KEYS[at + 3]
    local function add(id, fields)
      taken[#taken + 1] = {(at - 1) / 4, id, fields, tonumber(redis.call('HGET', attempts, id) or 0)}
      room, bytes = room - 1, bytes + size_of(fields)
    end
    for _, id in ipairs(redis.call('ZRANGEBYSCORE', due, '-inf', now, 'LIMIT', 0, room)) do
      if not has_room() then break end
      redis.call('ZREM', due, id)
      local claimed = redis.pcall('XCLAIM', stream, group, consumer, 0, id)[1]
      if claimed then
        add(id, claimed[2])
      else  -- deleted by somebody
        redis.call('XACK', stream, group, id)
        redis.call('HDEL', attempts, id)
      end
    end
    while has_room() do
      local entry = read_new(stream, group, consumer)
      if not entry then break end
      add(entry[1], entry[2])
    end
    local soonest = redis.call('ZRANGE', due, 0, 0, 'WITHSCORES')[2]
    if soonest then next_due = math.min(next_due or math.huge, soonest) end
  end
  return {next_due and math.max(0, next_due - now) or -1, taken}
end

-- page start most -> {whether there is more, {{id, fields}, ...}} of the stream KEYS[1]; not `most` when they are large
function commands.page(start, most)
  local found, bytes = {}, 0
  while #found < tonumber(most) and bytes < MOST_BYTES do
    local entry = redis.call('XRANGE', STREAM, start, '+', 'COUNT', 1)[1]
    if not entry then return {0, found} end
    found[#found + 1], bytes, start = entry, bytes + size_of(entry[2]), '(' .. entry[1]
  end
  return {1, found}
end

-- find id ... -> {how many ids were looked up, {{id, fields}, ...}} of the stream KEYS[1]; not all when they are large
function commands.find(...)
  local wanted, looked_up, found, bytes = {...}, 0, {}, 0
  while looked_up < #wanted and bytes < MOST_BYTES do
    looked_up = looked_up + 1
    local entry = redis.call('XRANGE', STREAM, wanted[looked_up], wanted[looked_up])[1]
    if entry then found[#found + 1], bytes = entry, bytes + size_of(entry[2]) end
  end
  return {looked_up, found}
end
