"""Every parameter of `netsh ipsec`, once.

Source: Windows' help of `netsh ipsec`. Those marked `ours` are mainmode's own, for what policy
files can say and Windows cannot; a script that avoids them is one for Windows too.
"""

from mainmode.policy.netsh import kinds
from mainmode.policy.netsh.authorities import AUTHORITY
from mainmode.policy.netsh.commands import Parameter
from mainmode.policy.netsh.config import CONFIG
from mainmode.policy.netsh.methods import MAIN_MODE_METHODS, QUICK_MODE_METHODS
from mainmode.policy.netsh.places import MASK, PLACE, PORT, PROTOCOL

PROPERTY_NAME = kinds.choice("setting", {name: name for name in CONFIG})

# --- names ------------------------------------------------------------------------------------

NAME = Parameter("name", kinds.NAME, "its name")
GUID = Parameter("guid", kinds.GUID, "its GUID, as show says it, in place of the name")
ID = Parameter("id", kinds.COUNT, "the number of the rule, as show says it")
ALL = Parameter("all", kinds.PRESENT, "every one", bare=True)
DEFAULT = Parameter("default", kinds.PRESENT, "the default response rule", bare=True)
NEW_NAME = Parameter("newname", kinds.NAME, "its name from now on")
DESCRIPTION = Parameter("description", kinds.WORDS, "what it is for")
POLICY = Parameter("policy", kinds.NAME, "the policy with the rule")
FILTER_LIST = Parameter("filterlist", kinds.NAME, "the filter list")
FILTER_ACTION = Parameter("filteraction", kinds.NAME, "the filter action")
RULE = Parameter("rule", kinds.NAME, "what this rule uses")
FILE = Parameter("file", kinds.NAME, "the file")

# --- policies ---------------------------------------------------------------------------------

MASTER_PFS = Parameter("mmpfs", kinds.YES_NO, "master key PFS: one quick mode for a main mode")
QUICK_MODES = Parameter("qmpermm", kinds.COUNT, "quick modes for each main mode; 0: no limit")
MAIN_MODE_LIFETIME = Parameter("mmlifetime", kinds.MINUTES, "when main mode is renewed")
DEFAULT_RULE = Parameter("activatedefaultrule", kinds.YES_NO, "whether the default rule is active")
POLLING = Parameter("pollinginterval", kinds.MINUTES, "kept for Windows; changes come at once here")
ASSIGN = Parameter("assign", kinds.YES_NO, "whether it is in force")
MAIN_MODE = Parameter("mmsecmethods", MAIN_MODE_METHODS, "what main mode offers, preferred first")
GPO_NAME = Parameter("gponame", kinds.NAME, "of a domain's policy: there is none here")

# --- filters ----------------------------------------------------------------------------------

SOURCE = Parameter("srcaddr", PLACE, "where packets come from")
DESTINATION = Parameter("dstaddr", PLACE, "where they go to")
PROTOCOL_ = Parameter("protocol", PROTOCOL, "their protocol; any unless given")
MIRRORED = Parameter("mirrored", kinds.YES_NO, "the answers too; yes unless given")
SOURCE_MASK = Parameter("srcmask", MASK, "of the source address; one computer unless given")
DESTINATION_MASK = Parameter("dstmask", MASK, "of the destination address")
SOURCE_PORT = Parameter("srcport", PORT, "source port; 0: any")
DESTINATION_PORT = Parameter("dstport", PORT, "destination port; 0: any")

# --- filter actions ---------------------------------------------------------------------------

SESSION_PFS = Parameter("qmpfs", kinds.YES_NO, "session key PFS: an exchange for each quick mode")
IN_PASS = Parameter("inpass", kinds.YES_NO, "take unsecured packets, but answer with negotiation")
SOFT = Parameter("soft", kinds.YES_NO, "fall back to clear traffic with who does not answer")
ACTION = Parameter("action", kinds.ACTION, "what is done; negotiate unless given")
QUICK_MODE = Parameter("qmsecmethods", QUICK_MODE_METHODS, "what quick mode offers")

# --- rules ------------------------------------------------------------------------------------

TUNNEL = Parameter("tunnel", kinds.TUNNEL, "the tunnel's end; empty: transport mode")
CONNECTION_TYPE = Parameter("conntype", kinds.CONNECTION_TYPE, "on which connections; all of them")
ACTIVATE = Parameter("activate", kinds.YES_NO, "whether it is active; yes unless given")
KERBEROS = Parameter("kerberos", kinds.YES_NO, "authenticate with Kerberos", repeated=True)
PRESHARED_KEY = Parameter("psk", kinds.SECRET, "authenticate with this key", repeated=True)
ROOT_CA = Parameter("rootca", AUTHORITY, "authenticate with certificates of it", repeated=True)

# --- show, store, batch -----------------------------------------------------------------------

LEVEL = Parameter("level", kinds.LEVEL, "how much is said; normal unless given")
FORMAT = Parameter("format", kinds.FORMAT, "as a list (unless given) or as a table")
WIDE = Parameter("wide", kinds.YES_NO, "taken, and needless: nothing is cut")
RESOLVE_DNS = Parameter("resolvedns", kinds.YES_NO, "show names for addresses")
RULE_TYPE = Parameter("type", kinds.RULE_TYPE, "rules of tunnels, or all others")
LOCATION = Parameter("location", kinds.LOCATION, "where policies are kept")
DOMAIN = Parameter("domain", kinds.NAME, "of a domain's store: there is none here")
BATCH = Parameter("mode", kinds.ENABLED, "whether commands are done together, or not at all")

# --- dynamic ----------------------------------------------------------------------------------

SOFT_LIFETIME = Parameter("softsaexpirationtime", kinds.SECONDS, "how long traffic stays clear")
PFS_GROUP = Parameter("pfsgroup", kinds.PFS_GROUP, "session key PFS; nopfs unless given")
MAIN_MODE_POLICY = Parameter("mmpolicy", kinds.NAME, "the main mode policy")
QUICK_MODE_POLICY = Parameter("qmpolicy", kinds.NAME, "the quick mode policy, for negotiate")
ACTION_INBOUND = Parameter("actioninbound", kinds.ACTION, "with packets in; negotiate")
ACTION_OUTBOUND = Parameter("actionoutbound", kinds.ACTION, "with packets out; negotiate")
TUNNEL_END = Parameter("tunneldstaddress", kinds.TUNNEL, "the tunnel's end")
PROPERTY = Parameter("property", PROPERTY_NAME, "the setting")
VALUE = Parameter("value", kinds.WORDS, "what it is from now on")

# --- ours -------------------------------------------------------------------------------------

SECRET_FILE = Parameter(
    "pskfile", kinds.NAME, "the preshared key's file, or credential:NAME", repeated=True, ours=True
)
LOCAL_ID = Parameter(
    "localid", kinds.IDENTITY, "who we say we are in the method before it", repeated=True, ours=True
)
PEER_ID = Parameter(
    "peerid", kinds.IDENTITY, "who the peer must be in that method", repeated=True, ours=True
)
METHODS = (KERBEROS, PRESHARED_KEY, ROOT_CA, SECRET_FILE)
AUTHENTICATION = (*METHODS, LOCAL_ID, PEER_ID)
"""In any number and order; the order is the preference."""
SESSION_PFS_GROUP = Parameter("qmpfsgroup", kinds.GROUP_OR_MAIN, "group of qmpfs", ours=True)
PROFILE = Parameter("profile", kinds.PROFILE, "which vendor IDs are sent", ours=True)
WEAK_HOST = Parameter("weakhost", kinds.YES_NO, "play a computer without 3DES", ours=True)
WINDOWS_2000 = Parameter("windows2000peer", kinds.YES_NO, "its peers may lack 3DES", ours=True)
EXPLAIN = Parameter("explainrefusals", kinds.YES_NO, "tell peers what would be taken", ours=True)
RETRIES = Parameter("retryintervals", kinds.DURATIONS, "waits after each sending", ours=True)
DEAD_PEER = Parameter("deadpeer", kinds.DURATION_OR_0, "silence before a peer is asked", ours=True)
FALLBACK = Parameter("fallbackafter", kinds.DURATION, "silence before clear traffic", ours=True)
ON_MISMATCH = Parameter("fallbackonmismatch", kinds.YES_NO, "also when policies differ", ours=True)
TIMEOUT = Parameter("mmtimeout", kinds.SECONDS, "a main mode SA stands so long", ours=True)
IN_CLUSTER = Parameter("incluster", kinds.YES_NO, "one of several at an address", ours=True)
OUR_SOFT_LIFETIME = Parameter("softlifetime", kinds.SECONDS, SOFT_LIFETIME.about, ours=True)
OUR_MASTER_PFS = Parameter("mmpfs", kinds.YES_NO, MASTER_PFS.about, ours=True)
OUR_QUICK_MODES = Parameter("qmpermm", kinds.COUNT, QUICK_MODES.about, ours=True)
OUR_LIFETIME = Parameter("mmlifetime", kinds.MINUTES, MAIN_MODE_LIFETIME.about, ours=True)
OUR_MAIN_MODE = Parameter("mmsecmethods", MAIN_MODE_METHODS, "toward this rule's peers", ours=True)
