-- What the event log does atomically. ARGV[1] names the command. KEYS: of a partition its stream, dead letters, the due
-- times and the attempts of its left entries; then, where one server holds everything, a receipt and its scope's index.

local STREAM, LETTERS, DUE, ATTEMPTS, RECEIPT, INDEX = KEYS[1], KEYS[2], KEYS[3], KEYS[4], KEYS[5], KEYS[6]
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

local function parts(id)
  local ms, seq = string.match(id, '(%d+)%-(%d+)')
  return tonumber(ms), tonumber(seq)
end

local function is_before(a, b)
  local a_ms, a_seq = parts(a)
  local b_ms, b_seq = parts(b)
  return a_ms < b_ms or (a_ms == b_ms and a_seq < b_seq)
end

local function next_id(id)
  local ms, seq = parts(id)
  return string.format('%.0f-%.0f', ms, seq + 1)
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

-- Return {attempts, whether the receipt knows}; without a receipt among the keys it is noted in a call of its own.
local function tell(fact)
  if not RECEIPT then return {fact.attempts, 1} end
  return {fact.attempts, note(RECEIPT, INDEX, fact) and 1 or 0}
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

-- ack group consumer id handle event_id keep_ms -> {attempts, known}, false when it is not held
function commands.ack(group, consumer, id, ...)
  if not is_held(group, consumer, id) then return false end
  local fact = fact_of(...)
  fact.state, fact.attempts = 'stored', finish(group, id)
  return tell(fact)
end

-- leave group consumer id rest_ms attempted error handle event_id keep_ms -> {attempts, known}, false
function commands.leave(group, consumer, id, rest_ms, attempted, error, ...)
  if not is_held(group, consumer, id) then return false end
  local fact = fact_of(...)
  redis.call('ZADD', DUE, now_ms() + rest_ms, id)
  fact.state, fact.error, fact.attempts = 'queued', error, redis.call('HINCRBY', ATTEMPTS, id, attempted)
  return tell(fact)
end

-- bury group consumer id error handle event_id keep_ms field value ... -> {attempts, known}, false
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
-- Take entries of other consumers, or lost ones of our own, that do not rest and that nobody has touched meanwhile.
function commands.adopt(group, consumer, ...)
  local wanted, taken = {...}, {}
  for i = 1, #wanted, 4 do
    local owner, id, idle_ms, attempt = wanted[i], wanted[i + 1], wanted[i + 2], wanted[i + 3]
    if is_held(group, owner, id) then
      local entry = redis.call('XCLAIM', STREAM, group, consumer, idle_ms, id)[1]
      if entry then
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

local function read_new(stream, group, consumer, limit)
  local function read()
    return redis.pcall('XREADGROUP', 'GROUP', group, consumer, 'COUNT', limit, 'STREAMS', stream, '>')
  end
  local answer = read()
  if answer and answer.err then
    redis.call('XGROUP', 'CREATE', stream, group, '0', 'MKSTREAM')  -- from 0: what came before the first consumer
    answer = read()
  end
  return answer and answer[1] and answer[1][2] or {}
end

-- take group consumer limit -> {ms until the next left entry is due (-1: none), {partition, id, fields, attempts}, ...}
-- Of each partition (four keys): first what was left and is due, then what is new.
function commands.take(group, consumer, limit)
  local now, taken, next_due, room = now_ms(), {}, nil, tonumber(limit)
  for at = 1, #KEYS, 4 do
    local stream, due, attempts = KEYS[at], KEYS[at + 2], KEYS[at + 3]
    local function add(id, fields)
      taken[#taken + 1] = {(at - 1) / 4, id, fields, tonumber(redis.call('HGET', attempts, id) or 0)}
      room = room - 1
    end
    for _, id in ipairs(redis.call('ZRANGEBYSCORE', due, '-inf', now, 'LIMIT', 0, room)) do
      redis.call('ZREM', due, id)
      local claimed = redis.pcall('XCLAIM', stream, group, consumer, 0, id)[1]
      if claimed then
        add(id, claimed[2])
      else  -- deleted by somebody
        redis.call('XACK', stream, group, id)
        redis.call('HDEL', attempts, id)
      end
    end
    if room > 0 then
      for _, entry in ipairs(read_new(stream, group, consumer, room)) do add(entry[1], entry[2]) end
    end
    local soonest = redis.call('ZRANGE', due, 0, 0, 'WITHSCORES')[2]
    if soonest then next_due = math.min(next_due or math.huge, soonest) end
    if room == 0 then break end
  end
  return {next_due and math.max(0, next_due - now) or -1, taken}
end

local function count_after(stream, id)
  local found, start = 0, '(' .. id
  while true do
    local page = redis.call('XRANGE', stream, start, '+', 'COUNT', 200)
    if #page == 0 then return found end
    found, start = found + #page, '(' .. page[#page][1]
  end
end

-- Return how many entries our group has still to do, and the first of them.
local function backlog(stream, group, groups)
  local last, pending = '0-0', {0}
  for _, each in ipairs(groups) do
    if each.name == group then
      last, pending = each['last-delivered-id'], redis.call('XPENDING', stream, group)
    end
  end
  local undelivered = redis.call('XRANGE', stream, '(' .. last, '+', 'COUNT', 1)[1]
  local first = pending[1] > 0 and pending[2] or (undelivered and undelivered[1])
  if #groups <= 1 then return redis.call('XLEN', stream), first end  -- what is ended is deleted
  return pending[1] + (undelivered and count_after(stream, last) or 0), first
end

-- stats group -> {length, dead, age of the oldest in ms}
function commands.stats(group)
  local length, first = backlog(STREAM, group, groups_of(STREAM))
  local age_ms = first and math.max(0, now_ms() - parts(first)) or 0
  return {length, redis.call('XLEN', LETTERS), age_ms}
end

-- trim -> how many: remove what every group is done with
function commands.trim()
  local floor
  for _, group in ipairs(groups_of(STREAM)) do
    local needed = next_id(group['last-delivered-id'])
    if group.pending > 0 then needed = redis.call('XPENDING', STREAM, group.name)[2] end
    if not floor or is_before(needed, floor) then floor = needed end
  end
  return floor and redis.call('XTRIM', STREAM, 'MINID', floor) or 0
end

-- dismiss group consumer ... : delete consumers on which nothing is pending
function commands.dismiss(group, ...)
  local gone = {}
  for _, name in ipairs({...}) do gone[name] = true end
  for _, flat in ipairs(redis.call('XINFO', 'CONSUMERS', STREAM, group)) do
    local consumer = named(flat)
    if gone[consumer.name] and consumer.pending == 0 then
      redis.call('XGROUP', 'DELCONSUMER', STREAM, group, consumer.name)
    end
  end
end

-- The commands below are of receipts alone (KEYS: receipt, index), where they are on other servers than the stream.

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

-- note state attempts error content pages handle event_id keep_ms -> whether the receipt knows
function commands.note(state, attempts, error, content, pages, ...)
  local fact = fact_of(...)
  fact.state, fact.attempts, fact.error, fact.content, fact.pages = state, attempts, error, content, pages
  return note(KEYS[1], KEYS[2], fact) and 1 or 0
end

-- note_replay handle
function commands.note_replay(handle) note_replay(KEYS[1], handle) end

-- forget_receipt event_id -> how many there were
function commands.forget_receipt(event_id) return forget_receipt(KEYS[1], KEYS[2], event_id) end

-- purge event_id before_ms -> 1 when the receipt was that of an event stored before, and is gone
function commands.purge(event_id, before_ms)
  local known = redis.call('HMGET', KEYS[1], 'state', 'settled_at')
  if known[1] ~= 'stored' or tonumber(known[2]) >= tonumber(before_ms) then return 0 end
  return forget_receipt(KEYS[1], KEYS[2], event_id)
end

-- lease token lease_ms -> 1 when it is ours now
function commands.lease(token, lease_ms)
  local holder = redis.call('GET', KEYS[1])
  if holder and holder ~= token then return 0 end
  redis.call('SET', KEYS[1], token, 'PX', lease_ms)
  return 1
end

-- release token
function commands.release(token)
  if redis.call('GET', KEYS[1]) == token then redis.call('DEL', KEYS[1]) end
end

return commands[ARGV[1]](unpack(ARGV, 2))
