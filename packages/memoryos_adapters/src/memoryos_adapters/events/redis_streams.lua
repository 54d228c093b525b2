-- What the event log does atomically. ARGV[1] names the command. KEYS: of a partition its stream, dead letters, the due
-- times and the attempts of its left entries; then, where one server holds everything, a receipt and its scope's index.

local STREAM, LETTERS, DUE, ATTEMPTS, RECEIPT, INDEX = KEYS[1], KEYS[2], KEYS[3], KEYS[4], KEYS[5], KEYS[6]
local MOST_BYTES = 4 * 2 ^ 20  -- of entries that a call reads; it reads one at least, and there are some of 20 MB
local MOST_LOOKED_AT = 1000  -- of pending entries, by one call that looks for abandoned ones: a millisecond
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

-- Return how many tries an entry has taken when the present one has ended.
local function tries_of(id) return tonumber(redis.call('HGET', ATTEMPTS, id) or 0) + 1 end

-- End an entry for our group, and remove it when there is no other; return how many tries it took.
local function finish(group, id)
  local attempts = tries_of(id)
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
  local id = redis.call('XADD', STREAM, '*', 'event_id', event_id, 'payload', payload)  -- if it fails, nothing is noted
  claim(RECEIPT, INDEX, event_id, content, pages)
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
  redis.call('XADD', LETTERS, '*', 'attempts', tries_of(id), ...)  -- if it fails, the entry stays
  fact.state, fact.error, fact.attempts = 'dead', error, finish(group, id)
  return tell(fact)
end

-- replay letter source suffix field value ... -> id of the new entry, false when there is no such letter
function commands.replay(letter, source, suffix, ...)
  if #redis.call('XRANGE', LETTERS, letter, letter) == 0 then return false end
  if RECEIPT then unbind(RECEIPT, source) end
  local id = redis.call('XADD', STREAM, '*', ...)  -- if it fails, the letter stays
  redis.call('XDEL', LETTERS, letter)
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

-- Return who has an entry in hand, '' when nobody has but those whose hands are `free`.
local function holder_of(group, id, free)
  local pending = redis.pcall('XPENDING', STREAM, group, id, id, 1)[1]
  if not pending or redis.call('ZSCORE', DUE, id) then return '' end
  for _, name in ipairs(free) do
    if pending[2] == name then return '' end
  end
  return pending[2]
end

-- forget id letter event_id group free ... -> {how much there was, who has the entry in hand}
-- '' for what is not known. What is in hand, but in those that are free, stays with its receipt: whoever dies amid its
-- work is taken over then, and what was written is taken back.
function commands.forget(id, letter, event_id, group, ...)
  local found, holder = 0, id ~= '' and holder_of(group, id, {...}) or ''
  if holder ~= '' then return {1, holder} end
  if id ~= '' then
    for _, each in ipairs(groups_of(STREAM)) do redis.call('XACK', STREAM, each.name, id) end
    found = redis.call('XDEL', STREAM, id)
    redis.call('ZREM', DUE, id)
    redis.call('HDEL', ATTEMPTS, id)
  end
  if letter ~= '' then found = found + redis.call('XDEL', LETTERS, letter) end
  if RECEIPT then found = found + forget_receipt(RECEIPT, INDEX, event_id) end
  return {found, ''}
end

-- hold group consumer id -> how many tries it will have taken, false when it is not held
function commands.hold(group, consumer, id)
  return is_held(group, consumer, id) and tries_of(id)
end

-- state group id -> {whether some consumer holds it, attempts}
function commands.state(group, id)
  local is_pending = redis.pcall('XPENDING', STREAM, group, id, id, 1)[1] ~= nil
  local is_in_hand = is_pending and not redis.call('ZSCORE', DUE, id)
  return {is_in_hand and 1 or 0, tonumber(redis.call('HGET', ATTEMPTS, id) or 0)}
end

-- Hand an entry that is pending to a consumer; return its fields, nil when it is gone: somebody deleted it.
local function hand_over(stream, attempts, group, consumer, id)
  local answer = redis.pcall('XCLAIM', stream, group, consumer, 0, id)
  if answer.err and not string.find(answer.err, 'NOGROUP', 1, true) then error(answer.err, 0) end
  if answer[1] then return answer[1][2] end
  redis.call('XACK', stream, group, id)
  redis.call('HDEL', attempts, id)
end

-- adopt group consumer start limit held (owner idle_ms attempted) ... -> {where to go on, {{id, fields, attempts}, ...}}
-- Take what these owners were handed and nobody has touched for so long, unless it rests, or is one of the ids `held`.
-- From `start` on so many pending entries are looked at, whatever they are: only so a call stays short among thousands
-- that rest, and who goes on from where it ended (at the end that is the beginning, '-') comes by each of them.
function commands.adopt(group, consumer, start, limit, held, ...)
  local rules, taken, bytes = {...}, {}, 0
  local idle_ms, attempted, in_hand = {}, {}, {}
  for i = 1, #rules, 3 do idle_ms[rules[i]], attempted[rules[i]] = tonumber(rules[i + 1]), rules[i + 2] end
  for id in string.gmatch(held, '%S+') do in_hand[id] = true end
  local pending = redis.pcall('XPENDING', STREAM, group, start, '+', MOST_LOOKED_AT)
  for _, each in ipairs(pending) do  -- an error (no group) has no elements
    local id, owner, idle = each[1], each[2], each[3]
    if idle_ms[owner] and idle >= idle_ms[owner] and not in_hand[id] and not redis.call('ZSCORE', DUE, id) then
      if #taken == tonumber(limit) or bytes >= MOST_BYTES then return {id, taken} end
      local fields = hand_over(STREAM, ATTEMPTS, group, consumer, id)
      if fields then
        taken[#taken + 1] = {id, fields, redis.call('HINCRBY', ATTEMPTS, id, attempted[owner])}
        bytes = bytes + size_of(fields)
      end
    end
  end
  return {#pending == MOST_LOOKED_AT and '(' .. pending[#pending][1] or '-', taken}
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
      local fields = hand_over(stream, attempts, group, consumer, id)
      redis.call('ZREM', due, id)
      if fields then add(id, fields) end
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
