-- Ids of entries, MS-SEQ. Each part is below 2^64, and a number here is exact up to 2^53 only: so they stay digits.

local LAST_PART = '18446744073709551615'

local function parts(id) return string.match(id, '^(%d+)%-(%d+)$') end

local function is_less(a, b)
  if #a ~= #b then return #a < #b end
  return a < b
end

local function is_before(a, b)
  local a_ms, a_seq = parts(a)
  local b_ms, b_seq = parts(b)
  if a_ms ~= b_ms then return is_less(a_ms, b_ms) end
  return is_less(a_seq, b_seq)
end

local function plus_one(digits)
  local head, nines = string.match(digits, '^(.-)(9*)$')
  local last = tonumber('0' .. string.sub(head, -1)) + 1
  return string.sub(head, 1, -2) .. last .. string.rep('0', #nines)
end

-- The id right after this one; the last one that there can be is its own next.
local function next_id(id)
  local ms, seq = parts(id)
  if seq ~= LAST_PART then return ms .. '-' .. plus_one(seq) end
  return ms == LAST_PART and id or plus_one(ms) .. '-0'
end

local function age_ms(id, now)
  local ms = parts(id)
  return math.max(0, now - tonumber(ms))
end
