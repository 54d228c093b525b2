-- Short-term memory of one scope: one call of its port, in one step.
--
-- KEYS[1]  how all keys begin; the hash tag in it keeps them in one slot
-- ARGV     the command, the bound of a session, how long a session is held (ms, 0: for ever), the command's arguments
--
-- A turn waits while the index lacks it, and is held once the index has it as well. What waits never expires; what is
-- held goes with its session. A place is 46 digits that sort as the turns do, followed by the session's name; members of
-- the sorted sets, all of score 0, are these digits followed by the id.
--
--   waiting, waiting:in:SESSION      the order of what waits, of the scope and of a session
--   waiting:places, waiting:pages    by id
--   held:in:SESSION                  the order of what is held
--   held:pages:SESSION               by id; expires
--   held:places                      by id, of every session
--   sessions                         those with held turns, by the moment (ms) at which they expire
--   removed                          ids that may not come back
--
-- Redis compares Lua's strings by its locale: but for digits, only sorted sets may order them.

local base, command, per_session, keep_ms = KEYS[1], ARGV[1], tonumber(ARGV[2]), tonumber(ARGV[3])
local FIRST = 4 -- of the command's arguments
local DIGITS = 46
local SWEPT_AT_ONCE = 100

local WAITING, WAITING_PLACES, WAITING_PAGES = base .. ':waiting', base .. ':waiting:places', base .. ':waiting:pages'
local HELD_PLACES, SESSIONS, REMOVED = base .. ':held:places', base .. ':sessions', base .. ':removed'

local function waiting_in(session) return base .. ':waiting:in:' .. session end
local function held_in(session) return base .. ':held:in:' .. session end
local function held_pages(session) return base .. ':held:pages:' .. session end
local function digits_of(place) return place:sub(1, DIGITS) end
local function session_of(place) return place:sub(DIGITS + 1) end
local function id_of(member) return member:sub(DIGITS + 1) end

local function wait(id, place, page)
  local member = digits_of(place) .. id
  redis.call('ZADD', WAITING, 0, member)
  redis.call('ZADD', waiting_in(session_of(place)), 0, member)
  redis.call('HSET', WAITING_PLACES, id, place)
  redis.call('HSET', WAITING_PAGES, id, page)
end

-- Return the place and the page of a turn that waited, else nil.
local function stop_waiting(id)
  local place = redis.call('HGET', WAITING_PLACES, id)
  if not place then return nil end
  local page, member = redis.call('HGET', WAITING_PAGES, id), digits_of(place) .. id
  redis.call('ZREM', WAITING, member)
  redis.call('ZREM', waiting_in(session_of(place)), member)
  redis.call('HDEL', WAITING_PLACES, id)
  redis.call('HDEL', WAITING_PAGES, id)
  return place, page
end

-- Forget what is held of a session, also when its pages have expired already.
local function drop(session)
  for _, member in ipairs(redis.call('ZRANGE', held_in(session), 0, -1)) do
    redis.call('HDEL', HELD_PLACES, id_of(member))
  end
  redis.call('UNLINK', held_in(session), held_pages(session))
  redis.call('ZREM', SESSIONS, session)
end

local touched = {}

local function hold(id, place, page)
  local session = session_of(place)
  if redis.call('EXISTS', held_pages(session)) == 0 then drop(session) end
  redis.call('ZADD', held_in(session), 0, digits_of(place) .. id)
  redis.call('HSET', held_pages(session), id, page)
  redis.call('HSET', HELD_PLACES, id, place)
  touched[session] = true
end

local function held_page(id)
  local place = redis.call('HGET', HELD_PLACES, id)
  return place and redis.call('HGET', held_pages(session_of(place)), id)
end

local function kept_page(id)
  return redis.call('HGET', WAITING_PAGES, id) or held_page(id)
end

local function let_go(id)
  local place = redis.call('HGET', HELD_PLACES, id)
  if not place then return end
  redis.call('ZREM', held_in(session_of(place)), digits_of(place) .. id)
  redis.call('HDEL', held_pages(session_of(place)), id)
  redis.call('HDEL', HELD_PLACES, id)
end

local function trim(session)
  local excess = redis.call('ZCARD', held_in(session)) - per_session
  if excess <= 0 then return end
  for _, member in ipairs(redis.call('ZRANGE', held_in(session), 0, excess - 1)) do
    let_go(id_of(member))
  end
end

local function expire(key, at)
  if at == math.huge then redis.call('PERSIST', key) else redis.call('PEXPIREAT', key, at) end
end

local function now_ms()
  local time = redis.call('TIME')
  return time[1] * 1000 + math.floor(time[2] / 1000)
end

-- Give the sessions that took turns a new end, and forget those whose end has come.
-- The order of a session outlives its pages: it tells which places to forget, and if nobody comes for as long again, the
-- places have expired by themselves.
local function settle()
  if next(touched) == nil then return end
  local now = now_ms()
  local at = keep_ms == 0 and math.huge or now + keep_ms
  for session in pairs(touched) do
    trim(session)
    redis.call('ZADD', SESSIONS, at == math.huge and '+inf' or at, session)
    expire(held_pages(session), at)
    expire(held_in(session), at + keep_ms)
  end
  for _, session in ipairs(redis.call('ZRANGEBYSCORE', SESSIONS, '-inf', now, 'LIMIT', 0, SWEPT_AT_ONCE)) do
    drop(session)
  end
  local last = redis.call('ZRANGE', SESSIONS, -1, -1, 'WITHSCORES')[2]
  for _, key in ipairs({SESSIONS, HELD_PLACES}) do
    expire(key, last == 'inf' and math.huge or tonumber(last))
  end
end

-- Return members and pages in turn, less the members without a page.
local function with_pages(members, page_of)
  local found = {}
  for _, member in ipairs(members) do
    local page = page_of(id_of(member))
    if page then
      found[#found + 1] = member
      found[#found + 1] = page
    end
  end
  return found
end

-- Return members and pages in turn, the newest first.
local function newest(order, below, pages, limit)
  local members = redis.call('ZREVRANGEBYLEX', order, below, '-', 'LIMIT', 0, limit)
  return with_pages(members, function(id) return redis.call('HGET', pages, id) end)
end

-- Return the newest `limit` of two lists of members, the newest first as in both.
local function merged(one, other, limit)
  local both, at, at_other = {}, 1, 1
  while #both < limit and (one[at] or other[at_other]) do
    local left, right = one[at], other[at_other]
    if not right or (left and digits_of(left) >= digits_of(right)) then
      both[#both + 1], at = left, at + 1
    else
      both[#both + 1], at_other = right, at_other + 1
    end
  end
  return both
end

-- Return the `limit` sessions that took turns last, the one with the newest turn first: the others add little to it.
local function live_sessions(limit)
  local sessions = redis.call('ZREVRANGEBYSCORE', SESSIONS, '+inf', '(' .. now_ms(), 'LIMIT', 0, limit)
  local newest_in = {}
  for _, session in ipairs(sessions) do
    newest_in[session] = digits_of(redis.call('ZREVRANGE', held_in(session), 0, 0)[1] or '')
  end
  table.sort(sessions, function(one, other) return newest_in[one] > newest_in[other] end)
  return sessions
end

local commands = {}

-- indexed (1 or 0), then id, place and page of each turn
function commands.append()
  local indexed = ARGV[FIRST] == '1'
  for at = FIRST + 1, #ARGV, 3 do
    local id, place, page = ARGV[at], ARGV[at + 1], ARGV[at + 2]
    if redis.call('SISMEMBER', REMOVED, id) == 0 and not held_page(id) then
      if indexed then
        local known_place, known_page = stop_waiting(id)
        hold(id, known_place or place, known_page or page)
      elseif redis.call('HEXISTS', WAITING_PLACES, id) == 0 then
        wait(id, place, page)
      end
    end
  end
end

-- ids
function commands.mark()
  for at = FIRST, #ARGV do
    local place, page = stop_waiting(ARGV[at])
    if place then hold(ARGV[at], place, page) end
  end
end

-- session, limit
function commands.recent()
  local session, limit = ARGV[FIRST], ARGV[FIRST + 1]
  return {
    newest(waiting_in(session), '+', WAITING_PAGES, limit),
    newest(held_in(session), '+', held_pages(session), limit),
  }
end

-- limit; looks at so many sessions too, those that took turns last
function commands.latest()
  local limit = tonumber(ARGV[FIRST])
  local newest_first = redis.call('ZREVRANGE', WAITING, 0, limit - 1)
  for _, session in ipairs(live_sessions(limit)) do
    local beyond = newest_first[limit] and '(' .. newest_first[limit] or '-'
    local newer = redis.call('ZREVRANGEBYLEX', held_in(session), '+', beyond, 'LIMIT', 0, limit)
    newest_first = merged(newest_first, newer, limit)
  end
  return with_pages(newest_first, kept_page)
end

-- ids; return a page or nil for each
function commands.get()
  local pages = {}
  for at = FIRST, #ARGV do
    pages[#pages + 1] = kept_page(ARGV[at])
  end
  return pages
end

-- whether it is all sessions (1 or 0), session, the bound in the order (+: none), limit
function commands.unindexed()
  local order = ARGV[FIRST] == '1' and WAITING or waiting_in(ARGV[FIRST + 1])
  return newest(order, ARGV[FIRST + 2], WAITING_PAGES, ARGV[FIRST + 3])
end

-- ids
function commands.remove()
  for at = FIRST, #ARGV do
    redis.call('SADD', REMOVED, ARGV[at])
    stop_waiting(ARGV[at])
    let_go(ARGV[at])
  end
end

-- id, place, page
function commands.replace()
  local id, place, page = ARGV[FIRST], ARGV[FIRST + 1], ARGV[FIRST + 2]
  if stop_waiting(id) then
    wait(id, place, page)
  elseif held_page(id) then
    let_go(id)
    hold(id, place, page)
  end
end

-- return how many turns there were
function commands.erase()
  local count = redis.call('HLEN', WAITING_PAGES)
  for _, place in ipairs(redis.call('HVALS', WAITING_PLACES)) do
    redis.call('UNLINK', waiting_in(session_of(place)))
  end
  for _, session in ipairs(redis.call('ZRANGE', SESSIONS, 0, -1)) do
    count = count + redis.call('HLEN', held_pages(session))
    redis.call('UNLINK', held_in(session), held_pages(session))
  end
  redis.call('UNLINK', WAITING, WAITING_PLACES, WAITING_PAGES, HELD_PLACES, SESSIONS, REMOVED)
  return count
end

local answer = commands[command]()
settle()
return answer
