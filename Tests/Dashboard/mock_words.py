"""What is said in the calls of the mock server, and texts that mean harm."""

HOSTILE = (
    '<img src=x onerror="document.title=\'owned\'"> <script>document.title="owned"</script> '
    "\x1b[31mred\x1b[0m \u202eesrever\u202c </textarea><svg onload=alert(1)>"
)

# (who, words, heard part in case of an interruption, tool call)
SCENES = [
    [
        ("agent", "Good morning, you have reached Harbour Bicycles. How can I help you today?"),
        ("caller", "Hi, I ordered a touring bike two weeks ago and I would like to know where it is."),
        ("tool", "look_up_order", '{"phone":"+15550142","include_history":true}',
         '{"order":"HB-20418","state":"in assembly","ready_on":"2026-12-01","parts":[{"name":"saddle","stock":4}]}'),
        ("agent", "I found your order, number H B two zero four one eight. It is being assembled at the moment and will be "
                  "ready on the first of December."),
        ("caller", "Oh, that is later than I thought. Can you tell me why?"),
        ("cut", "The saddle you chose was out of stock until last Thursday, so the workshop could only begin",
         "on Friday, and then the usual checks take three working days before we can hand it over."),
        ("caller", "Okay, okay. Could I pick it up on the second then, in the afternoon?"),
        ("tool", "book_pick_up", '{"order":"HB-20418","day":"2026-12-02","from":"14:00"}', "booked: 2 December, 14:00 to 14:30"),
        ("agent", "Yes. I booked the second of December between two and half past two for you. Please bring your receipt."),
        ("caller", "Perfect, thank you very much."),
        ("agent", "You are welcome. Have a good day!"),
    ],
    [
        ("agent", "Hello, this is the appointment line of the dental practice. What can I do for you?"),
        ("caller", "I have to move my appointment on Friday."),
        ("agent", "Of course. Please enter the last four digits of your telephone number on the keypad."),
        ("keys", "4417#"),
        ("tool", "find_appointment", '{"digits":"4417"}', '{"name":"M. Osei","at":"2026-11-27T09:20:00"}'),
        ("agent", "Thank you. You have an appointment this Friday at twenty past nine. Which day would suit you better?"),
        ("caller", "Is there anything on Monday, early?"),
        ("tool", "free_slots", '{"day":"2026-11-30","before":"10:00"}', None),
        ("agent", "On Monday there is half past eight or nine o’clock."),
        ("caller", "Half past eight, please."),
        ("agent", "Done. Monday the thirtieth at half past eight. See you then!"),
    ],
    [
        ("agent", "Welcome to the city’s information line. Ask me about opening hours, waste collection or permits."),
        ("caller", "When do you collect paper in Mill Street?"),
        ("tool", "collection_days", '{"street":"Mill Street","kind":"paper"}', "upstream answered 503 after 3 tries"),
        ("agent", "I am sorry, the calendar does not answer right now. Usually it is every second Tuesday; I will not promise it."),
        ("caller", "Hm. And who can I talk to about a parking permit?"),
        ("cut", "For parking permits the traffic office is responsible. It is in the town hall, second floor,",
         "and open on weekdays from eight to twelve, on Thursdays also from two to six."),
        ("caller", "Can you put me through?"),
        ("agent", "I can. One moment, please."),
    ],
]

TOOLS = [
    {"type": "function", "name": "look_up_order", "description": "Finds an order by the caller's number.", "parameters": {
        "type": "object", "required": ["phone"], "properties": {
            "phone": {"type": "string", "description": "With country code, such as +15550142"},
            "include_history": {"type": "boolean"}}}},
    {"type": "function", "name": "book_pick_up", "description": "Books a time to pick up an order.", "parameters": {
        "type": "object", "required": ["order", "day"], "properties": {
            "order": {"type": "string"}, "day": {"type": "string", "description": "YYYY-MM-DD"},
            "from": {"type": "string"}, "people": {"type": "integer", "minimum": 1, "maximum": 9},
            "place": {"type": "string", "enum": ["shop", "warehouse"]},
            "contact": {"type": "object", "properties": {"name": {"type": "string"}, "mail": {"type": "string"}}}}}},
    {"type": "function", "name": "get_weather", "description": "The weather at a place at this moment.", "parameters": {
        "type": "object", "required": ["latitude", "longitude"], "properties": {
            "latitude": {"type": "number"}, "longitude": {"type": "number"}}}},
    {"type": "function", "name": "collection_days", "description": "When waste is collected in a street.", "parameters": {
        "type": "object", "properties": {"street": {"type": "string"}, "kind": {"enum": ["paper", "glass", "bio"]}}}},
    {"type": "function", "name": "end_call", "description": "Ends the call after a goodbye.", "parameters": {
        "type": "object", "properties": {}}},
    {"type": "mcp", "server_label": "crm"},
]

REASONS = ["caller_hung_up"] * 9 + ["agent_hung_up"] * 5 + ["transferred", "transferred", "idle", "maximum_duration",
                                                          "carrier_lost", "operator_hung_up", "model_unreachable"]
BY = {"caller_hung_up": "caller", "agent_hung_up": "agent", "transferred": "agent", "operator_hung_up": "operator",
      "model_unreachable": "model", "carrier_lost": "caller"}
RULES = ["bicycles", "dentist", "city line", ""]
VOICES = ["marin", "cedar", "ash", "coral"]
MODEL = "gpt-realtime"
