-- The state of a stream, keeping it tidy, and the names of its consumers.

local MOST_COUNTED = 500  -- by one call: a few milliseconds, in which Redis does nothing else

-- Return how many entries our group has still to do, the first of them, and after which id those that were never handed
-- out have to be counted, where nothing else tells how many they are.
local function backlog(stream, group, groups)
  local last, pending, lag = '0-0', {0}, nil
  for _, each in ipairs(groups) do
    if each.name == group then
      last, pending, lag = each['last-delivered-id'], redis.call('XPENDING', stream, group), each.lag
    end
  end
  local undelivered = redis.call('XRANGE', stream, '(' .. last, '+', 'COUNT', 1)[1]
  local first = pending[1] > 0 and pending[2] or (undelivered and undelivered[1])
  if #groups <= 1 then return redis.call('XLEN', stream), first, '' end  -- what is ended is deleted
  if not undelivered then return pending[1], first, '' end
  if lag then return pending[1] + lag, first, '' end  -- Redis 7 and later, unless entries were deleted
  return pending[1], first, last
end

-- stats group -> {length, dead, age of the oldest in ms, after which id to count more of the length ('': it is whole)}
function commands.stats(group)
  local length, first, uncounted = backlog(STREAM, group, groups_of(STREAM))
  return {length, redis.call('XLEN', LETTERS), first and age_ms(first, now_ms()) or 0, uncounted}
end

-- count after -> {how many entries are after this id, after which to go on ('': that was all)}
function commands.count(after)
  local found, bytes = 0, 0
  while found < MOST_COUNTED and bytes < MOST_BYTES do
    local entry = redis.call('XRANGE', STREAM, '(' .. after, '+', 'COUNT', 1)[1]
    if not entry then return {found, ''} end
    found, bytes, after = found + 1, bytes + size_of(entry[2]), entry[1]
  end
  return {found, after}
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
