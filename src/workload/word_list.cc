#include "workload/word_list.h"

#include <array>

namespace kneepoint::workload {
namespace {

constexpr auto kWords = std::to_array<std::string_view>(
    {"time",     "people",   "way",     "water",    "man",      "work",    "part",     "place",
     "year",     "day",      "house",   "world",    "life",     "hand",    "school",   "state",
     "family",   "point",    "group",   "number",   "night",    "end",     "city",     "head",
     "side",     "kind",     "home",    "room",     "book",     "story",   "eye",      "job",
     "word",     "body",     "door",    "field",    "law",      "car",     "name",     "team",
     "air",      "line",     "game",    "road",     "level",    "force",   "voice",    "light",
     "table",    "party",    "river",   "food",     "plan",     "paper",   "music",    "street",
     "model",    "data",     "power",   "price",    "color",    "girl",    "boy",      "child",
     "mother",   "father",   "friend",  "king",     "land",     "sea",     "ship",     "horse",
     "dog",      "bird",     "fish",    "tree",     "plant",    "flower",  "stone",    "metal",
     "gold",     "silver",   "glass",   "wood",     "fire",     "earth",   "moon",     "star",
     "sun",      "sky",      "wind",    "rain",     "snow",     "ice",     "summer",   "winter",
     "spring",   "morning",  "evening", "hour",     "minute",   "week",    "month",    "century",
     "history",  "future",   "past",    "moment",   "second",   "third",   "first",    "last",
     "next",     "early",    "late",    "new",      "old",      "young",   "good",     "bad",
     "great",    "small",    "large",   "big",      "long",     "short",   "high",     "low",
     "deep",     "wide",     "open",    "close",    "near",     "far",     "left",     "right",
     "north",    "south",    "east",    "west",     "front",    "back",    "top",      "bottom",
     "middle",   "center",   "edge",    "corner",   "circle",   "square",  "letter",   "page",
     "report",   "study",    "test",    "score",    "result",   "answer",  "question", "reason",
     "problem",  "idea",     "fact",    "truth",    "matter",   "case",    "cause",    "effect",
     "change",   "growth",   "rate",    "total",    "half",     "whole",   "piece",    "bit",
     "unit",     "set",      "list",    "order",    "class",    "type",    "form",     "shape",
     "size",     "weight",   "length",  "speed",    "distance", "area",    "range",    "scale",
     "figure",   "measure",  "amount",  "value",    "cost",     "sale",    "market",   "trade",
     "business", "company",  "office",  "bank",     "money",    "credit",  "tax",      "budget",
     "income",   "profit",   "loss",    "share",    "stock",    "fund",    "account",  "bill",
     "pay",      "buy",      "sell",    "spend",    "save",     "hold",    "keep",     "give",
     "take",     "bring",    "send",    "carry",    "move",     "turn",    "run",      "walk",
     "stand",    "sit",      "fall",    "rise",     "jump",     "fly",     "swim",     "drive",
     "ride",     "travel",   "trip",    "journey",  "path",     "bridge",  "wall",     "window",
     "floor",    "roof",     "garden",  "farm",     "village",  "town",    "country",  "nation",
     "border",   "capital",  "island",  "mountain", "hill",     "valley",  "forest",   "desert",
     "lake",     "beach",    "coast",   "ocean",    "wave",     "storm",   "cloud",    "heat",
     "cold",     "warm",     "cool",    "dry",      "wet",      "clean",   "dark",     "bright",
     "clear",    "quiet",    "loud",    "soft",     "hard",     "strong",  "weak",     "heavy",
     "thin",     "thick",    "flat",    "round",    "sharp",    "smooth",  "rough",    "simple",
     "complex",  "easy",     "common",  "rare",     "special",  "normal",  "strange",  "famous",
     "public",   "private",  "free",    "busy",     "ready",    "safe",    "danger",   "war",
     "peace",    "army",     "soldier", "police",   "court",    "judge",   "crime",    "prison",
     "minister", "leader",   "member",  "club",     "union",    "church",  "god",      "spirit",
     "soul",     "mind",     "brain",   "heart",    "blood",    "bone",    "skin",     "hair",
     "face",     "nose",     "mouth",   "ear",      "neck",     "arm",     "leg",      "foot",
     "finger",   "shoulder", "chest",   "stomach",  "health",   "doctor",  "nurse",    "patient",
     "hospital", "medicine", "drug",    "disease",  "pain",     "death",   "birth",    "age",
     "baby",     "adult",    "woman",   "wife",     "husband",  "son",     "daughter", "brother",
     "sister",   "parent",   "uncle",   "cousin",   "neighbor", "guest",   "host",     "stranger",
     "enemy",    "hero",     "teacher", "student",  "lesson",   "course",  "college",  "degree",
     "science",  "art",      "culture", "language", "sound",    "noise",   "song",     "dance",
     "film",     "movie",    "camera",  "picture",  "image",    "photo",   "screen",   "radio",
     "phone",    "computer", "machine", "engine",   "motor",    "wheel",   "train",    "bus",
     "plane",    "station",  "airport", "hotel",    "kitchen",  "bed",     "chair",    "desk",
     "lamp",     "clock",    "box",     "bag",      "bottle",   "cup",     "plate",    "knife",
     "key",      "lock",     "tool",    "rope",     "chain",    "ring",    "coat",     "dress",
     "shirt",    "shoe",     "hat",     "cotton",   "wool",     "silk",    "leather",  "plastic",
     "rubber",   "iron",     "steel",   "copper",   "coal",     "oil",     "gas",      "energy",
     "nature",   "animal",   "cat",     "cow",      "pig",      "sheep",   "chicken",  "egg",
     "milk",     "meat",     "bread",   "rice",     "sugar",    "salt",    "fruit",    "apple",
     "orange",   "coffee",   "tea",     "wine",     "beer",     "dinner",  "lunch",    "meal",
     "taste",    "smell",    "touch",   "sight",    "view",     "scene",   "stage",    "act",
     "role",     "play",     "actor",   "player",   "coach",    "captain", "match",    "race",
     "prize",    "goal",     "win",     "lose",     "beat",     "fight",   "attack",   "defend",
     "protect",  "support",  "help",    "serve",    "offer",    "accept",  "agree",    "refuse",
     "deny",     "allow",    "prevent", "stop",     "start",    "begin",   "finish",   "continue"});

}  // namespace

std::span<const std::string_view> word_list() { return kWords; }

}  // namespace kneepoint::workload
