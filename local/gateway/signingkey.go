package gateway

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"sync"
)

// signingKeys derives the keys that signatures are made with and remembers them: a
// key lasts a day, and deriving it costs more than all the rest of a verification.
type signingKeys struct {
	mu   sync.RWMutex
	keys map[signingKeyOf][sha256.Size]byte
}

type signingKeyOf struct{ secret, day, region, service string }

// maxSigningKeys bounds the memory. What is beyond it is forgotten all at once:
// that many keys in use at a time are not to be expected.
const maxSigningKeys = 4096

func (k *signingKeys) get(of signingKeyOf) [sha256.Size]byte {
	k.mu.RLock()
	key, ok := k.keys[of]
	k.mu.RUnlock()
	if ok {
		return key
	}
	key = deriveKey(of)
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.keys == nil || len(k.keys) >= maxSigningKeys {
		k.keys = map[signingKeyOf][sha256.Size]byte{}
	}
	k.keys[of] = key
	return key
}

// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html
func deriveKey(of signingKeyOf) (key [sha256.Size]byte) {
	next := []byte("AWS4" + of.secret)
	for _, text := range []string{of.day, of.region, of.service, terminator} {
		next = mac(next, []byte(text))
	}
	copy(key[:], next)
	return key
}

func mac(key, text []byte) []byte {
	h := hmac.New(sha256.New, key)
	h.Write(text) // a hash never fails to be written
	return h.Sum(nil)
}

// sign is the signature of a canonical request, in hexadecimal.
func sign(key []byte, s *signature, canonical []byte) []byte {
	sum := sha256.Sum256(canonical)
	b := make([]byte, 0, 256)
	for _, part := range []string{algorithm, "\n", s.date, "\n", s.day, "/", s.region, "/", s.service, "/", s.terminator, "\n"} {
		b = append(b, part...)
	}
	b = hex.AppendEncode(b, sum[:])
	return hex.AppendEncode(nil, mac(key, b))
}
