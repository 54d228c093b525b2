-- Documents of one scope: one call of their port, in one step.
--
-- KEYS[1]  how all keys begin; the hash tag in it keeps them in one slot
-- ARGV     the command and its arguments
--
--   kinds           set of the kinds there may be
--   ids:KIND        sorted set of ids, all of score 0: in order of their bytes
--   records:KIND    by id: the version, a space, when it was written (microseconds since 1970), a space, the body

local base, command = KEYS[1], ARGV[1]
local KINDS = base .. ':kinds'

local function ids(kind) return base .. ':ids:' .. kind end
local function records(kind) return base .. ':records:' .. kind end

-- Return the version of a document, 0: there is none; and how its record begins, which no two writes have in common.
local function state(kind, id)
  local record = redis.call('HGET', records(kind), id)
  if not record then return '0', '' end
  local begin = record:match('^%d+ %d+')
  return begin:match('^%d+'), begin
end

local commands = {}

-- kind and id of each; return a record or nil for each
function commands.read()
  local found = {}
  for at = 2, #ARGV, 2 do
    found[#found + 1] = redis.call('HGET', records(ARGV[at]), ARGV[at + 1])
  end
  return found
end

-- moment, then of each: kind, id, what it must be (a version, how its record begins, or *: anything), whether it is
-- written (1 or 0), body. Return 1 and the versions, or 0, the place of the first that is not so, and its version.
function commands.write()
  local answer = {1}
  for at = 3, #ARGV, 5 do
    local version, begin = state(ARGV[at], ARGV[at + 1])
    local expected = ARGV[at + 2]
    if expected ~= '*' and expected ~= version and expected ~= begin then return {0, (at - 3) / 5, version} end
    answer[#answer + 1] = string.format('%d', version + ARGV[at + 3])
  end
  for at = 3, #ARGV, 5 do
    local kind, id, written, body = ARGV[at], ARGV[at + 1], ARGV[at + 3] == '1', ARGV[at + 4]
    if written then
      redis.call('HSET', records(kind), id, answer[(at + 7) / 5] .. ' ' .. ARGV[2] .. ' ' .. body)
      redis.call('ZADD', ids(kind), 0, id)
      redis.call('SADD', KINDS, kind)
    end
  end
  return answer
end

-- kind, the bound below in the order (-: none), limit; return ids and records in turn
function commands.list()
  local kind, found = ARGV[2], {}
  for _, id in ipairs(redis.call('ZRANGEBYLEX', ids(kind), ARGV[3], '+', 'LIMIT', 0, ARGV[4])) do
    found[#found + 1] = id
    found[#found + 1] = redis.call('HGET', records(kind), id)
  end
  return found
end

-- kind, ids; return how many existed
function commands.delete()
  local kind, count = ARGV[2], 0
  for at = 3, #ARGV do
    count = count + redis.call('HDEL', records(kind), ARGV[at])
    redis.call('ZREM', ids(kind), ARGV[at])
  end
  return count
end

-- return how many there were
function commands.erase()
  local count = 0
  for _, kind in ipairs(redis.call('SMEMBERS', KINDS)) do
    count = count + redis.call('HLEN', records(kind))
    redis.call('UNLINK', records(kind), ids(kind))
  end
  redis.call('UNLINK', KINDS)
  return count
end

return commands[command]()
