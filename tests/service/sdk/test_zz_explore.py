"""x."""
import asyncio, json
import pytest, openai
from tests.support.replies import Reply
from tests.service.sdk.test_tools import TOOLS
pytestmark = [pytest.mark.asyncio(loop_scope="package"), pytest.mark.filterwarnings("ignore::DeprecationWarning")]
HI=[{"role":"user","content":"Hi"}]
ALL=dict(max_tokens=10,max_completion_tokens=11,reasoning_effort="low",verbosity="low",service_tier="auto",prompt_cache_key="k",prompt_cache_retention="24h",safety_identifier="s",store=False,metadata={"a":"b"},prediction={"type":"content","content":"x"},modalities=["text"],web_search_options={},stop=["x"],seed=1,logprobs=True,top_logprobs=2,logit_bias={"1":1},user="ana",presence_penalty=.1,frequency_penalty=.1,temperature=.5,top_p=.9,n=1,parallel_tool_calls=True,response_format={"type":"json_object"}, tools=TOOLS, tool_choice="auto")
CASES={
 "all": dict(messages=HI, **ALL),
 "effort none": dict(messages=HI, reasoning_effort="none"),
 "effort minimal": dict(messages=HI, reasoning_effort="minimal"),
 "effort xhigh": dict(messages=HI, reasoning_effort="xhigh"),
 "roles": dict(messages=[{"role":"developer","content":"d"},{"role":"system","content":[{"type":"text","text":"s"}],"name":"sys"},{"role":"user","content":"u","name":"ana"},{"role":"assistant","content":[{"type":"text","text":"a"},{"type":"refusal","refusal":"no"}]},{"role":"user","content":[{"type":"text","text":"u2"}]},{"role":"system","content":"mid"},{"role":"user","content":"u3"}]),
 "only system": dict(messages=[{"role":"system","content":"s"}]),
 "ends with assistant": dict(messages=[*HI,{"role":"assistant","content":"Sure, "}]),
 "starts assistant": dict(messages=[{"role":"assistant","content":"Sure"},*HI]),
 "audio": dict(messages=[{"role":"user","content":[{"type":"input_audio","input_audio":{"data":"AAAA","format":"wav"}}]}]),
 "file": dict(messages=[{"role":"user","content":[{"type":"file","file":{"filename":"a.pdf","file_data":"data:application/pdf;base64,JVBERi0="}}]}]),
 "file_id": dict(messages=[{"role":"user","content":[{"type":"file","file":{"file_id":"file-1"}}]}]),
 "empty content": dict(messages=[{"role":"user","content":""}]),
 "empty parts": dict(messages=[{"role":"user","content":[]}]),
 "function legacy": dict(messages=HI, functions=[{"name":"get_time","parameters":{"type":"object","properties":{}}}], function_call="auto"),
 "function role": dict(messages=[*HI,{"role":"assistant","content":None,"function_call":{"name":"get_time","arguments":"{}"}},{"role":"function","name":"get_time","content":"noon"}]),
 "tool parts": dict(messages=[*HI,{"role":"assistant","content":"","tool_calls":[{"id":"c1","type":"function","function":{"name":"get_time","arguments":""}}]},{"role":"tool","tool_call_id":"c1","content":[{"type":"text","text":"noon"}]}], tools=TOOLS),
 "tool bad args": dict(messages=[*HI,{"role":"assistant","content":"","tool_calls":[{"id":"c1","type":"function","function":{"name":"get_time","arguments":"{bad"}}]},{"role":"tool","tool_call_id":"c1","content":"x"}], tools=TOOLS),
 "custom tool": dict(messages=HI, tools=[{"type":"custom","custom":{"name":"x"}}]),
 "required": dict(messages=HI, tools=TOOLS, tool_choice="required"),
 "none": dict(messages=HI, tools=TOOLS, tool_choice="none"),
 "allowed_tools": dict(messages=HI, tools=TOOLS, tool_choice={"type":"allowed_tools","allowed_tools":{"mode":"auto","tools":[{"type":"function","function":{"name":"get_time"}}]}}),
 "temperature 1.7": dict(messages=HI, temperature=1.7),
 "stop str": dict(messages=HI, stop="x"),
 "modal audio": dict(messages=HI, modalities=["text","audio"], audio={"voice":"alloy","format":"wav"}),
 "json_schema no schema": dict(messages=HI, response_format={"type":"json_schema","json_schema":{"name":"x"}}),
 "bad max": dict(messages=HI, max_tokens="ten"),
 "zero max": dict(messages=HI, max_tokens=0),
 "image http no": dict(messages=[{"role":"user","content":[{"type":"image_url","image_url":{"url":"data:image/tiff;base64,AAAA"}}]}]),
 "image bad": dict(messages=[{"role":"user","content":[{"type":"image_url","image_url":{"url":"data:image/png;base64,@@@"}}]}]),
 "image str": dict(messages=[{"role":"user","content":[{"type":"image_url","image_url":"data:image/png;base64,AAAA"}]}]),
}
@pytest.mark.parametrize("case", CASES)
async def test_x(sdk, upstreams, case):
    from tests.service.sdk.providers import KINDS, provider_of
    for name in KINDS:
        p = provider_of(name, upstreams)
        p.upstream.forget()
        try:
            raw = await sdk.chat.completions.with_raw_response.create(model=p.model, **CASES[case])
            print(f"{case:22} {name} 200 dropped={raw.headers.get('x-memoryos-dropped-params')} SENT {json.dumps(p.upstream.requests[0].json)[:700] if name in ('an','ge','ol','ds') else ''}")
        except openai.APIError as e:
            print(f"{case:22} {name} {getattr(e,'status_code','')} {e.body}")
