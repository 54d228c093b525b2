-- Receipts: a hash for each event, and for each scope a sorted set of its event ids, by when the receipt expires.
--
-- content   tells one content from another     state       queued, stored, dead; none: claimed, not in the stream yet
-- pages     how many memory ids the event has  entry       the handle of its entry in the stream; none amid a replay
-- attempts, error, settled_at (ms)             claimed_at  (ms) when somebody began to publish it

local FOR_EVER = '+inf'

local function now_ms()
  local time = redis.call('TIME')
  return time[1] * 1000 + math.floor(time[2] / 1000)
end

-- Say what is known of an event that is to be published: new, same, other, or busy while somebody publishes it.
local function look_up(receipt, content, patience_ms)
  local known = redis.call('HMGET', receipt, 'content', 'state', 'claimed_at')
  if not known[1] then return 'new' end
  if known[1] ~= content then return 'other' end
  if known[2] then return 'same' end
  return now_ms() - known[3] < patience_ms and 'busy' or 'new'
end

local function claim(receipt, index, event_id, content, pages)
  redis.call('HSET', receipt, 'content', content, 'pages', pages, 'claimed_at', now_ms())
  redis.call('ZADD', index, FOR_EVER, event_id)
  redis.call('PERSIST', index)
end

-- Note that a claimed event is in the stream, unless a quick consumer has noted more already.
local function confirm(receipt, handle)
  if redis.call('HEXISTS', receipt, 'content') == 1 and redis.call('HSETNX', receipt, 'entry', handle) == 1 then
    redis.call('HSET', receipt, 'state', 'queued', 'attempts', 0)
    redis.call('HDEL', receipt, 'claimed_at')
  end
end

-- Forget that the stream holds an entry, which it does not: whoever publishes its event takes it in again.
local function lose(receipt, handle)
  local known = redis.call('HMGET', receipt, 'state', 'entry')
  if known[1] == 'queued' and known[2] == handle then
    redis.call('HDEL', receipt, 'state', 'entry', 'attempts', 'error')
    redis.call('HSET', receipt, 'claimed_at', 0)
  end
end

local function expire(receipt, index, event_id, keep_ms)
  local now = now_ms()
  redis.call('PEXPIRE', receipt, keep_ms)
  redis.call('ZADD', index, now + keep_ms, event_id)
  redis.call('ZREMRANGEBYSCORE', index, '-inf', '(' .. now)
  if redis.call('ZCOUNT', index, FOR_EVER, FOR_EVER) == 0 then redis.call('PEXPIRE', index, keep_ms) end
end

-- Note what became of an entry; return false when more has to be told, since nobody published it through here.
-- fact: event_id, handle, state, attempts, error, content, pages, keep_ms ('0': for ever)
local function note(receipt, index, fact)
  local known = redis.call('HMGET', receipt, 'content', 'entry')
  if known[2] and known[2] ~= fact.handle then return true end  -- it is about another entry of this event
  if not known[1] and fact.content == '' then return false end
  redis.call('HSETNX', receipt, 'content', fact.content)
  redis.call('HSETNX', receipt, 'pages', fact.pages)
  redis.call('HSET', receipt, 'entry', fact.handle, 'state', fact.state, 'attempts', fact.attempts)
  if fact.error ~= '' then redis.call('HSET', receipt, 'error', fact.error) end
  if fact.state ~= 'queued' then redis.call('HSET', receipt, 'settled_at', now_ms()) end
  if fact.state == 'stored' and fact.keep_ms ~= '0' then
    expire(receipt, index, fact.event_id, fact.keep_ms)
  else
    redis.call('ZADD', index, FOR_EVER, fact.event_id)
    redis.call('PERSIST', index)
  end
  return true
end

-- Let go of the entry that a dead event was, as its letter is to be put back: whatever comes of the new one is noted.
-- A receipt that is about another entry than the letter's ('': nobody knows it, since a person typed the letter) stays.
local function unbind(receipt, source)
  local known = redis.call('HMGET', receipt, 'state', 'entry')
  if known[1] == 'dead' and (source == '' or known[2] == source) then redis.call('HDEL', receipt, 'entry') end
end

-- Note that the letter is in the stream again, as if never tried, unless a quick consumer has noted more already.
local function note_replay(receipt, handle)
  local known = redis.call('HMGET', receipt, 'state', 'entry')
  if known[1] == 'dead' and not known[2] then
    redis.call('HSET', receipt, 'entry', handle, 'state', 'queued', 'attempts', 0)
    redis.call('HDEL', receipt, 'error', 'settled_at')
  end
end

local function forget_receipt(receipt, index, event_id)
  redis.call('ZREM', index, event_id)
  return redis.call('DEL', receipt)
end
