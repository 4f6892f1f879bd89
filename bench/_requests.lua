-- One request of the kind that WHAT names, drawn at random from the files in FOLDER.
local folder, what = os.getenv("FOLDER"), os.getenv("WHAT")
local function lines(name)
  local all = {}
  for line in io.lines(folder .. "/" .. name) do all[#all + 1] = line end
  return all
end
local tokens, headers = lines("tokens"), {}
for n, token in ipairs(tokens) do
  headers[n] = { ["authorization"] = "Bearer " .. token, ["content-type"] = "application/fhir+json" }
end
local pool = lines(({ create = "bodies", read = "ids", search = "pairs", journey = "openings",
  ["validate-code"] = "questions" })[what] or what)
local count, people = #pool, #tokens
math.randomseed(os.time())

function request()
  local one, header = pool[math.random(count)], headers[math.random(people)]
  if what:match("^transaction") then return wrk.format("POST", "/fhir", header, one) end
  if what == "create" then return wrk.format("POST", "/fhir/Observation", header, one) end
  if what == "journey" or what == "validate-code" then return wrk.format("GET", one, header) end
  if what == "read" then return wrk.format("GET", "/fhir/" .. one, header) end
  local patient, code = one:match("(%S+) (%S+)")
  return wrk.format("GET", "/fhir/Observation?patient=" .. patient .. "&code=http://loinc.org%7C" .. code, header)
end
