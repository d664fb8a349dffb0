// How fast SEAL's CKKS encrypts as the npm package node-seal runs it (WebAssembly, one thread): prints
// coordinates a second, the best of five, of encoding and encrypting 4096 numbers at a time with N 8192
// and primes of 60, 40, 40, 60 bits, the default of NVFLARE's homomorphic encryption (TenSEAL).
// Nothing is printed, and the exit status is 1, where node-seal is not found: it is looked for in
// NODE_PATH (npm install -g node-seal; NODE_PATH=$(npm root -g)). Version 7 needs Node 22.
import { createRequire } from 'node:module'
import { pathToFileURL } from 'node:url'
import path from 'node:path'
import fs from 'node:fs'

const COUNT = 40
const BITS = Int32Array.of(60, 40, 40, 60)

// The module whatever its version: 7 is one of ECMAScript's only, which NODE_PATH does not find.
async function load() {
    for (const root of (process.env.NODE_PATH || '').split(':')) {
        const file = path.join(root, 'node-seal/dist/index_throws.js')
        if (fs.existsSync(file)) return (await import(pathToFileURL(file))).default
    }
    const found = createRequire(import.meta.url)('node-seal')
    return found.default || found
}

// Version 7 has SEAL's own classes; earlier ones have functions that make objects.
function make(seal, name, ...args) {
    try {
        return new seal[name](...args)
    } catch {
        return seal[name](...args)
    }
}

let seal
try {
    seal = await (await load())()
} catch {
    process.exit(1)
}
const v7 = typeof seal.SchemeType.ckks !== 'undefined' && !seal.Vector
const parms = make(seal, 'EncryptionParameters', seal.SchemeType.ckks)
parms.setPolyModulusDegree(8192)
parms.setCoeffModulus(seal.CoeffModulus.Create(8192, BITS))
const context = v7
    ? new seal.SEALContext(parms, true, seal.SecLevelType.tc128)
    : seal.Context(parms, true, seal.SecurityLevel.tc128)
const keys = make(seal, 'KeyGenerator', context)
const encoder = make(seal, 'CKKSEncoder', context)
const encryptor = v7
    ? new seal.Encryptor(context, keys.createPublicKey())
    : seal.Encryptor(context, keys.createPublicKey())
const values = Float64Array.from({ length: 4096 }, (_, i) => Math.sin(i) / 100)
const plain = v7 ? new seal.Plaintext() : seal.PlainText()
const cipher = v7 ? new seal.Ciphertext() : seal.CipherText()
let best = 0
for (let time = 0; time < 5; time++) {
    const began = process.cpuUsage()
    for (let i = 0; i < COUNT; i++) {
        encoder.encode(values, 2 ** 40, plain)
        encryptor.encrypt(plain, cipher)
    }
    const used = process.cpuUsage(began)
    best = Math.max(best, (COUNT * values.length) / ((used.user + used.system) / 1e6))
}
console.log(best)
