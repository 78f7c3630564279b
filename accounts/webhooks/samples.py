"""Code that verifies our signatures, for shops to copy; our tests run it."""

PYTHON = '''\
import hashlib
import hmac


def is_from_trooply(body: bytes, signature: str, secret: str) -> bool:
    """Compare the X-Webhook-Signature header with our own of the raw body."""
    expected = "sha256=" + hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()
    return hmac.compare_digest(expected.encode(), signature.encode())
'''
NODE = """\
const crypto = require('crypto');

// `body` is the raw Buffer: in Express use express.raw({ type: 'application/json' }).
function isFromTrooply(body, signature, secret) {
    const expected = 'sha256=' + crypto.createHmac('sha256', secret).update(body).digest('hex');
    const a = Buffer.from(expected);
    const b = Buffer.from(signature || '');
    // timingSafeEqual throws when the lengths differ.
    return a.length === b.length && crypto.timingSafeEqual(a, b);
}
"""
