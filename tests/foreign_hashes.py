"""One password, as other systems store it. Made by hashlib, openssl, bcrypt and argon2-cffi, not by the library under test."""

from tests.examples import PASSWORD

assert PASSWORD == "correct horse battery staple"

KNOWN = {
    "bcrypt 2a": "$2a$04$ANcnRC79OZwkQ4IFnn689.jEUznhEu78FTF7V5l0ZtaEjXYt7znYW",
    "bcrypt 2b": "$2b$04$ANcnRC79OZwkQ4IFnn689.jEUznhEu78FTF7V5l0ZtaEjXYt7znYW",
    "bcrypt 2y": "$2y$04$ANcnRC79OZwkQ4IFnn689.jEUznhEu78FTF7V5l0ZtaEjXYt7znYW",
    "bcrypt-sha256": "$bcrypt-sha256$v=2,t=2b,r=4$n79VH.0Q2TMWmt3Oqt9uku$FtTPYAYB7Unzu5SXyz9NjYdCcMd8ay.",
    "bcrypt-sha256, first version": "$bcrypt-sha256$2b,4$n79VH.0Q2TMWmt3Oqt9uku$dxdzZlEJklhw.YE7lK2ORyHpO1hSAna",
    "django bcrypt": "bcrypt$$2b$04$ANcnRC79OZwkQ4IFnn689.jEUznhEu78FTF7V5l0ZtaEjXYt7znYW",
    "django bcrypt-sha256": "bcrypt_sha256$$2b$04$XUtTSDgMV3.Qaw7xueiTT.mg2oM9ajKnCy2YiGirTsSNDa9rZumfu",
    "pbkdf2-sha1": "$pbkdf2$1000$c2FsdHNhbHRzYWx0c2FsdA$XfAg5IAz304UvYgmglt9ZXw8wLc",
    "pbkdf2-sha256": "$pbkdf2-sha256$1000$c2FsdHNhbHRzYWx0c2FsdA$31ltvuXrbs8POP2F4tw9851NSNQCQpm0sCwu2eEvId8",
    "pbkdf2-sha512": "$pbkdf2-sha512$1000$c2FsdHNhbHRzYWx0c2FsdA$"
    "ORxvnPF08mmTltUf/WSLS8FZ3yYanqBrD.km4rpMr07F2ze7/s1VLAjm.ry9RrSLc7aA5i7XxlkTGvDGO5vcpw",
    "django pbkdf2-sha1": "pbkdf2_sha1$1000$seasalt2$ozaqlU+DzMlaOcVcNhmtJq5ziFg=",
    "django pbkdf2-sha256": "pbkdf2_sha256$1000$seasalt2$vVHZGEs7v6quz+ZQJ3YUviKmZHPrpr5OATMMKlICjVY=",
    "sha256-crypt": "$5$saltsalt$3hGFMknrJ4ZpFPe7XZe397oIMEp7sbvqrcsX/ONJ3i.",
    "sha256-crypt with rounds": "$5$rounds=1000$saltsalt$TFDrLHsZ0msaZlw.ZViQNNRjyMG9kAB3KDkA8eLkI..",
    "sha512-crypt": "$6$saltsalt$CPgxBHZBXfhC6lX1yxpdEsbQfXmg3WXVj8AoVwyNFLfb5AtbfM8k6A8yehv1z6sgzoH/DUIs7YK9hVnGhTjhW/",
    "sha512-crypt with rounds": "$6$rounds=1000$saltsalt$"
    "j9Vf8YShD0koGhimfqidabEQeWmhpJ9YxprOCX.iV89zcJPtewN9pJnLRum4UDiZcBurQvcQNMKwhpHywoJfV/",
    "phpass": "$P$5saltsalt9hJCA5XQHb5HNaayqAQyz/",
    "phpBB": "$H$5saltsalt9hJCA5XQHb5HNaayqAQyz/",
    "scrypt": "$scrypt$ln=4,r=8,p=1$c2FsdHNhbHRzYWx0c2FsdA$jkBzE6t+3YTzAuQ1ol2ZxJUOk0akIbgat0w+kf21AT0",
    "argon2d": "$argon2d$v=19$m=64,t=1,p=1$w52KOXJ4OgbtxzeIJ705zA$9Y1zjNQkI6PeMFa+9KoNe90gajX7gTpsscoBG5fwV08",
    "argon2i": "$argon2i$v=19$m=64,t=1,p=1$j8/M94Kh9QyCapGKA8F5/w$bbD4A6wl7GJHHbkUfIAasHR/vjhugHdqgn9HDVfYuH8",
    "argon2id": "$argon2id$v=19$m=64,t=1,p=1$ttB1qkcwB7OmE7HyNSsCOw$C95wU+IJIuDINy6iBMe3zdEY/AQaaNYJfculC2e4rLo",
    "django argon2": "argon2$argon2id$v=19$m=64,t=1,p=1$ttB1qkcwB7OmE7HyNSsCOw$C95wU+IJIuDINy6iBMe3zdEY/AQaaNYJfculC2e4rLo",
}

# Each of a form that is known, at a price that is not paid.
TOO_DEAR = {
    "bcrypt": "$2b$15$" + "a" * 53,
    "bcrypt at its most": "$2b$31$" + "a" * 53,
    "bcrypt-sha256": "$bcrypt-sha256$v=2,t=2b,r=31$n79VH.0Q2TMWmt3Oqt9uku$FtTPYAYB7Unzu5SXyz9NjYdCcMd8ay.",
    "bcrypt-sha256, first version": "$bcrypt-sha256$2b,31$n79VH.0Q2TMWmt3Oqt9uku$dxdzZlEJklhw.YE7lK2ORyHpO1hSAna",
    "django bcrypt": "bcrypt$$2b$31$" + "a" * 53,
    "django bcrypt-sha256": "bcrypt_sha256$$2b$31$" + "a" * 53,
    "pbkdf2-sha1": "$pbkdf2$4000000000$c2FsdA$" + "a" * 27,
    "pbkdf2-sha256": "$pbkdf2-sha256$4000000000$c2FsdA$" + "a" * 43,
    "pbkdf2-sha512": "$pbkdf2-sha512$2000001$c2FsdA$" + "a" * 86,
    "django pbkdf2-sha1": "pbkdf2_sha1$4000000000$seasalt2$" + "a" * 27 + "=",
    "django pbkdf2-sha256": "pbkdf2_sha256$3000001$seasalt2$" + "a" * 43 + "=",
    "more digits than a number may have": "pbkdf2_sha256$" + "9" * 5000 + "$seasalt2$" + "a" * 43 + "=",
    "sha256-crypt": "$5$rounds=4000000000$saltsalt$" + "a" * 43,
    "sha512-crypt": "$6$rounds=1000001$saltsalt$" + "a" * 86,
    "phpass": "$P$Isaltsalt" + "a" * 22,
    "phpBB": "$H$Ssaltsalt" + "a" * 22,
    "scrypt by memory": "$scrypt$ln=18,r=8,p=1$c2FsdA$" + "a" * 43,
    "scrypt by block size": "$scrypt$ln=4,r=1000000,p=1$c2FsdA$" + "a" * 43,
    "scrypt by lanes": "$scrypt$ln=14,r=8,p=100$c2FsdA$" + "a" * 43,
    "scrypt at its most": "$scrypt$ln=31,r=8,p=1$c2FsdA$" + "a" * 43,
    "argon2id by memory": "$argon2id$v=19$m=4194304,t=1,p=1$c29tZXNhbHQ$aGFzaGhhc2hoYXNo",
    "argon2id by passes": "$argon2id$v=19$m=64,t=1000000,p=1$c29tZXNhbHQ$aGFzaGhhc2hoYXNo",
    "argon2i by lanes": "$argon2i$v=19$m=262144,t=1,p=32768$c29tZXNhbHQ$aGFzaGhhc2hoYXNo",
    "django argon2 by passes": "argon2$argon2i$v=19$m=64,t=1000000,p=1$c29tZXNhbHQ$aGFzaGhhc2hoYXNo",
}
